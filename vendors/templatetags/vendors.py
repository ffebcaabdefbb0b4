"""Template tags and filters: money, Markdown, texts in letters, links to stores and to the master."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django import template
from django.template import Context
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext

from sessions_farm.communities.links import absolute_url
from vendors import languages, links, mail, markdown, stylesheets, times
from vendors.delivery import DeliveryMethod, Promise
from vendors.http import MallRequest
from vendors.models import ProductImage
from vendors.money import Money
from vendors.storefronts import CachedStorefront, storefronts
from vendors.times import days_as_written, weekdays_as_written

register = template.Library()

register.filter("markdown", markdown.render_markdown)
register.filter("theme", stylesheets.stylesheet_url)
register.filter("one_line", mail.on_one_line)
register.filter("quoted", mail.quoted)
register.filter("quoted_html", mail.quoted_html)
register.filter("when", times.with_zone)
register.filter("weekdays", weekdays_as_written)


@register.filter
def money(minor: int | None, currency: str) -> str:
    """Format minor units, ``{{ 4210|money:"EUR" }}`` as €42.10; return an empty string for None."""
    return "" if minor is None else str(Money(minor, currency))


@register.filter
def days(promised: Promise | None) -> str:
    """Return the days on which goods arrive, in words; an empty string for None."""
    return days_as_written(promised.first, promised.last) if promised else ""


@register.simple_tag
def days_on_the_way(first: int, last: int) -> str:
    """Return working days on the way in words."""
    if not last:
        return gettext("the day it leaves")
    if first == last:
        return ngettext("%(first)s working day", "%(first)s working days", first) % {"first": first}
    return gettext("%(first)s to %(last)s working days") % {"first": first, "last": last}


@register.filter
def delivery_name(method: str) -> str:
    """Return the name of a delivery method: "Standard delivery"."""
    return gettext("Express delivery") if method == DeliveryMethod.EXPRESS else gettext("Standard delivery")


@register.filter
def in_words(text: str) -> str:
    """Translate a sentence of the mall's own that was kept in English; others' words stay as they are."""
    return gettext(text) if text else ""


@register.simple_tag
def page_language() -> str:
    """Return the language of the page as ``<html lang>`` has it: en-IE, de."""
    return languages.tag_of(languages.current())


@register.simple_tag(takes_context=True, name="store_url")
def store_url_tag(context: Context, store: CachedStorefront, name: str, **kwargs: Any) -> str:
    """Return a path on the store's own host, else an absolute URL: ``{% store_url store "product" slug=slug %}``."""
    request: MallRequest = context["request"]
    if links.storefront_host(store) == request.mall.member.host:
        return links.storefront_path(store, name, **kwargs)
    return links.storefront_url(store, name, **kwargs)


@register.simple_tag(takes_context=True, name="master_url")
def master_url_tag(context: Context, name: str, **kwargs: Any) -> str:
    """Return a path on the master, else an absolute URL: ``{% master_url "account_login" %}``."""
    request: MallRequest = context["request"]
    mall = getattr(request, "mall", None)
    if mall is None or mall.is_master:
        return links.master_path(name, **kwargs)
    return links.master_url(mall.member.community_id, name, **kwargs)


@register.simple_tag(takes_context=True)
def canonical_url(context: Context) -> str:
    """Return the absolute URL of this page in its language, for robots; '' before a host is known."""
    return _address_in(context["request"], languages.current())


@register.simple_tag(takes_context=True)
def alternate_urls(context: Context) -> list[tuple[str, str]]:
    """Return the tag and the absolute URL of this page in each language; x-default is the community's own."""
    request: MallRequest = context["request"]
    found = [(languages.tag_of(code), _address_in(request, code)) for code in languages.codes()]
    return [*found, ("x-default", _address_in(request, ""))]


def _address_in(request: MallRequest, code: str) -> str:
    """Return the absolute URL of a page without its query; a language that is not the community's own is named."""
    mall = getattr(request, "mall", None)
    if mall is None or mall.member is None:
        return ""
    market = getattr(request, "marketplace", None)
    query = f"?{languages.CHOICE}={code}" if code and market and code != market.language else ""
    return absolute_url(mall.member.host, request.path) + query


@register.simple_tag(takes_context=True)
def page_address(context: Context) -> str:
    """Return the address of this page, or of the one whose form it answers, to come back to; it names no language."""
    request: MallRequest = context["request"]
    if request.method in {"GET", "HEAD"}:
        return languages.without_choice(request.get_full_path())
    asked_from = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(asked_from, {request.get_host()}):
        return "/"
    _, _, path, query, _ = urlsplit(asked_from)
    return languages.without_choice(urlunsplit(("", "", path, query, "")))


@register.simple_tag(takes_context=True)
def absolute(context: Context, path: str) -> str:
    """Return the absolute URL of a path on this host, for robots."""
    request: MallRequest = context["request"]
    return absolute_url(request.mall.member.host, path)


@register.filter
def storefront(vendor_id: int) -> CachedStorefront | None:
    """Return the open store of a vendor: ``{% with store=product.vendor_id|storefront %}``."""
    return storefronts.by_vendor(vendor_id)


@register.filter
def rendition(picture: ProductImage, size: int) -> str:
    """Return the URL of a picture at one width."""
    return picture.rendition(size)

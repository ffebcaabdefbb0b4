"""Template tags and filters: money, Markdown, texts in letters, links to stores and to the master."""

from typing import Any

from django import template
from django.template import Context

from vendors import links, mail, markdown, stylesheets, times
from vendors.delivery import Promise
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
        return "the day it leaves"
    return f"{first} working day{'' if first == 1 else 's'}" if first == last else f"{first} to {last} working days"


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


@register.filter
def storefront(vendor_id: int) -> CachedStorefront | None:
    """Return the open store of a vendor: ``{% with store=product.vendor_id|storefront %}``."""
    return storefronts.by_vendor(vendor_id)


@register.filter
def rendition(picture: ProductImage, size: int) -> str:
    """Return the URL of a picture at one width."""
    return picture.rendition(size)

"""Tags of the store's pages: money, links to stores and to the master."""

from typing import Any

from django import template
from django.template import Context

from vendors import links, markdown, theme
from vendors.hosts import Store, stores
from vendors.http import MallRequest
from vendors.models import ProductImage
from vendors.money import Money

register = template.Library()

register.filter("markdown", markdown.render)
register.filter("theme", theme.address)


@register.filter
def money(minor: int | None, currency: str) -> str:
    """``{{ 4210|money:"EUR" }}`` is €42.10; empty for None."""
    return "" if minor is None else str(Money(minor, currency))


@register.simple_tag(takes_context=True)
def store_url(context: Context, store: Store, name: str, **kwargs: Any) -> str:
    """``{% store_url store "product" slug=product.slug %}``: a path on the store's own host, else an absolute URL."""
    request: MallRequest = context["request"]
    if links.store_host(store) == request.mall.member.host:
        return links.store_path(store, name, **kwargs)
    return links.store_url(store, name, **kwargs)


@register.simple_tag(takes_context=True)
def master_url(context: Context, name: str, **kwargs: Any) -> str:
    """``{% master_url "account_login" %}``: a path on the master, an absolute URL elsewhere."""
    request: MallRequest = context["request"]
    mall = getattr(request, "mall", None)
    if mall is None or mall.is_master:
        return links.master_path(name, **kwargs)
    return links.master_url(mall.member.community_id, name, **kwargs)


@register.filter
def shop(vendor_id: int) -> Store | None:
    """The open store of a vendor: ``{% with shop=product.vendor_id|shop %}``."""
    return stores.by_vendor(vendor_id)


@register.filter
def rendition(picture: ProductImage, size: int) -> str:
    return picture.rendition(size)

"""Template tags for pages of orders in the admin: their letters, and the one that did not arrive."""

from __future__ import annotations

from django import template

from cart.letters.models import Letter
from cart.orders.models import Order

register = template.Library()


@register.simple_tag
def letters_of(order: Order) -> list[Letter]:
    """Return the letters of an order, the newest first."""
    return list(Letter.objects.filter(order=order).select_related("order"))


@register.simple_tag
def refused_letter(order: Order) -> Letter | None:
    """Return the newest letter that the order's present mail address refused, None where it takes them."""
    refused: Letter | None = Letter.objects.refused().filter(order=order, sent_to=order.email).first()
    return refused

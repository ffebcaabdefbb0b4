"""E-mail about an order, as text and HTML."""

from __future__ import annotations

from datetime import datetime

from django.core.mail import EmailMultiAlternatives
from django.db.models import Prefetch
from django.template.loader import render_to_string

from cart.orders import services
from cart.orders.models import Consignment, Order
from sessions_farm.communities.links import absolute_url


def send_order_confirmation(*, order_id: int, now: datetime) -> bool:
    """Send the confirmation of a placed order. Return False if it is sent already or in progress elsewhere.

    After an error of the mail server the row is due again when its claim ends.
    """
    if not services.claim_confirmation(order_id=order_id, now=now):
        return False
    order = (
        Order.objects.select_related("marketplace__community__master")
        .prefetch_related(Prefetch("consignments", Consignment.objects.select_related("vendor")), "consignments__lines")
        .get(pk=order_id)
    )
    confirmation_message(order).send()
    services.mark_confirmation_sent(order_id=order_id)
    return True


def confirmation_message(order: Order) -> EmailMultiAlternatives:
    """Build the confirmation of an order."""
    community = order.marketplace.community
    path = order.get_absolute_url()
    link = absolute_url(community.master.host, path) if community.master else path
    context = {"order": order, "mall": community.name, "link": link}
    message = EmailMultiAlternatives(
        subject=f"Your order {order.number} at {community.name}",
        body=render_to_string("orders/mail/placed.txt", context),
        to=[order.email],
        reply_to=[order.marketplace.support_email] if order.marketplace.support_email else None,
    )
    message.attach_alternative(render_to_string("orders/mail/placed.html", context), "text/html")
    return message

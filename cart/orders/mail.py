"""Letters about an order, as text and HTML."""

from __future__ import annotations

from datetime import datetime

from django.core.mail import EmailMultiAlternatives
from django.db.models import Prefetch
from django.template.loader import render_to_string

from cart.orders import services
from cart.orders.models import Consignment, Order
from sessions_farm.communities.links import absolute_url


def send_placed(*, order_id: int, now: datetime) -> bool:
    """Send the confirmation of a placed order, at most once at a time; False where there was nothing to send.

    A fault of the mail server leaves the row due again when the claim ends.
    """
    if not services.claim_mail(order_id=order_id, now=now):
        return False
    order = (
        Order.objects.select_related("marketplace__community__master")
        .prefetch_related(Prefetch("consignments", Consignment.objects.select_related("vendor")), "consignments__lines")
        .get(pk=order_id)
    )
    letter_about(order).send()
    services.mail_sent(order_id=order_id)
    return True


def letter_about(order: Order) -> EmailMultiAlternatives:
    community = order.marketplace.community
    path = order.get_absolute_url()
    link = absolute_url(community.master.host, path) if community.master else path
    context = {"order": order, "mall": community.name, "link": link}
    letter = EmailMultiAlternatives(
        subject=f"Your order {order.number} at {community.name}",
        body=render_to_string("orders/mail/placed.txt", context),
        to=[order.email],
        reply_to=[order.marketplace.support_email] if order.marketplace.support_email else None,
    )
    letter.attach_alternative(render_to_string("orders/mail/placed.html", context), "text/html")
    return letter

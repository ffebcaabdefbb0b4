"""The mail of a letter: its kind's templates, filled from the order as it is now and the facts as they were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cart.letters.context import context_of
from cart.letters.kinds import KINDS
from cart.letters.models import Letter
from sessions_farm.communities.links import absolute_url
from vendors.mail import Sender, build_mail, sender_of

if TYPE_CHECKING:
    from django.core.mail import EmailMultiAlternatives

    from cart.orders.models import Consignment


def compose(letter: Letter) -> EmailMultiAlternatives:
    """Build the mail of a letter, in the mall's name."""
    order = letter.order
    master = order.marketplace.community.master
    path = letter.facts.get("path") or order.get_absolute_url()  # the order's page, or another that the letter is for
    link = absolute_url(master.host, path) if master else path
    context = context_of(order, order.consignments.all(), letter.facts, link)
    sender = _sender(letter, context["consignment"])
    kind = KINDS[Letter.Kind(letter.kind)]
    return build_mail(kind, sender=sender, to=letter.addressee, context=context, uuid=letter.uuid)


def _sender(letter: Letter, consignment: Consignment | None) -> Sender:
    """Return the mall as the sender; answers reach the asker of a question, else the shop meant, else the mall."""
    order = letter.order
    sender = sender_of(order.marketplace.community, order.marketplace)
    if letter.kind == Letter.Kind.QUESTION:
        return replace(sender, reply_to=order.email, answered_by=order.name)
    if consignment and consignment.vendor.support_email:
        return replace(sender, reply_to=consignment.vendor.support_email, answered_by=consignment.vendor.name)
    return sender

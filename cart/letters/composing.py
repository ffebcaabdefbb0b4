"""The mail of a letter: its kind's templates, filled from the order as it is now and the facts as they were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cart.letters.context import context_of
from cart.letters.kinds import KINDS
from cart.letters.models import Letter
from sessions_farm.communities.links import absolute_url
from vendors.mail import build_mail, sender_of

if TYPE_CHECKING:
    from django.core.mail import EmailMultiAlternatives


def compose(letter: Letter) -> EmailMultiAlternatives:
    """Build the mail of a letter, in the mall's name; where one shop is meant, answers reach that shop."""
    marketplace = letter.order.marketplace
    master = marketplace.community.master
    path = letter.order.get_absolute_url()
    context = context_of(
        letter.order, letter.order.consignments.all(), letter.facts, absolute_url(master.host, path) if master else path
    )
    sender = sender_of(marketplace.community, marketplace)
    if (consignment := context["consignment"]) and consignment.vendor.support_email:
        vendor = consignment.vendor
        sender = replace(sender, reply_to=vendor.support_email, answered_by=vendor.name)
    kind = KINDS[Letter.Kind(letter.kind)]
    return build_mail(kind, sender=sender, to=letter.order.email, context=context, uuid=letter.uuid)

"""The mail of a letter: its kind's templates, filled from the order as it is now and the facts as they were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from django.utils import translation

from cart.letters.context import context_of
from cart.letters.kinds import KINDS
from cart.letters.models import Letter
from sessions_farm.communities.links import absolute_url
from vendors.mail import Sender, build_mail, sender_of

if TYPE_CHECKING:
    from django.core.mail import EmailMultiAlternatives

    from cart.orders.models import Consignment, Order
    from vendors.models import Marketplace


def compose(letter: Letter) -> EmailMultiAlternatives:
    """Build the mail of a letter, in the mall's name and in the language of its reader."""
    with translation.override(language_of(letter)):
        return _compose(letter)


def language_of(letter: Letter) -> str:
    """Return the language of who reads it; a question to a shop is in the mall's own."""
    if letter.order is None:
        return str(letter.facts["language"])
    return letter.order.marketplace.language if letter.kind == Letter.Kind.QUESTION else letter.order.language


def _compose(letter: Letter) -> EmailMultiAlternatives:
    kind = KINDS[Letter.Kind(letter.kind)]
    if letter.order is None:
        context, sender = {"facts": letter.facts, "link": _link(letter, "/")}, _mall(letter)
    else:
        # the order's page, or another that the letter is for
        link = _link(letter, letter.order.get_absolute_url())
        context = context_of(letter.order, letter.order.consignments.all(), letter.facts, link)
        sender = _sender_about(letter, letter.order, context["consignment"])
    return build_mail(kind, sender=sender, to=letter.addressee, context=context, uuid=letter.uuid)


def _marketplace(letter: Letter) -> Marketplace:
    found: Any = letter.marketplace if letter.order is None else letter.order.marketplace
    return cast("Marketplace", found)


def _link(letter: Letter, path: str) -> str:
    """Return the address that the facts name, or a path on the master; a path alone where there is none yet."""
    if url := letter.facts.get("url"):
        return str(url)
    master, path = _marketplace(letter).community.master, letter.facts.get("path") or path
    return absolute_url(master.host, path) if master else path


def _mall(letter: Letter) -> Sender:
    market = _marketplace(letter)
    return sender_of(market.community, market)


def _sender_about(letter: Letter, order: Order, consignment: Consignment | None) -> Sender:
    """Return the mall as the sender; answers reach the asker of a question, else the shop meant, else the mall."""
    sender = _mall(letter)
    if letter.kind == Letter.Kind.QUESTION:
        return replace(sender, reply_to=order.email, answered_by=order.name)
    if consignment and consignment.vendor.support_email:
        return replace(sender, reply_to=consignment.vendor.support_email, answered_by=consignment.vendor.name)
    return sender

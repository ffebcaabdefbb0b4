"""The text of a letter: templates filled from the order as it is now, and the facts as they were."""

from __future__ import annotations

from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from cart.letters.models import Letter
from sessions_farm.communities.links import absolute_url

SUBJECTS = {
    Letter.Kind.PLACED: "Your order {number} at {mall}",
    Letter.Kind.NOT_PLACED: "Your order {number} could not be placed",
    Letter.Kind.PAYMENT_RETURNED: "Your payment for order {number} goes back",
    Letter.Kind.REFUNDED: "Money given back for order {number}",
    Letter.Kind.TO_PAY: "Your order {number} waits for your transfer",
    Letter.Kind.PAYMENT_EXPIRED: "Your order {number} was not paid in time",
    Letter.Kind.SENT: "On its way: goods of your order {number}",
    Letter.Kind.CANCELLED_GOODS: "Cancelled: goods of your order {number}",
    Letter.Kind.RETURN_ASKED: "You want to send back goods of order {number}",
    Letter.Kind.RETURN_ACCEPTED: "Send back your goods of order {number}",
    Letter.Kind.RETURN_REFUSED: "Your return for order {number} was refused",
    Letter.Kind.RETURN_RECEIVED: "Your goods of order {number} are back",
    Letter.Kind.LINK: "The link to your order {number}",
    Letter.Kind.QUESTION: "A question about your parcel of order {number}",
    Letter.Kind.CONTACT_ASKED: "Confirm the new address of your order {number}",
    Letter.Kind.CONTACT_CHANGED: "The address of your order {number} was changed",
    Letter.Kind.MAIL_MOVED: "Letters about order {number} go elsewhere now",
}


def compose(letter: Letter) -> EmailMultiAlternatives:
    """Build the letter as text and HTML, in the mall's name."""
    order = letter.order
    marketplace = order.marketplace
    master = marketplace.community.master
    path = letter.facts.get("path") or order.get_absolute_url()  # the order's page, or another that the letter is for
    context = {
        "order": order,
        "mall": marketplace.community.name,
        "link": absolute_url(master.host, path) if master else path,
        "facts": letter.facts,
    }
    subject = SUBJECTS[Letter.Kind(letter.kind)]
    message = EmailMultiAlternatives(
        subject=subject.format(number=order.number, mall=context["mall"]),
        body=render_to_string(f"letters/{letter.kind}.txt", context),
        to=[letter.addressee],
        reply_to=_reply_to(letter),
        headers={"Message-ID": f"<{letter.uuid}@{_our_domain()}>"},
    )
    message.attach_alternative(render_to_string(f"letters/{letter.kind}.html", context), "text/html")
    return message


def _reply_to(letter: Letter) -> list[str] | None:
    """Return who gets the answer: of a question the buyer, of all else the mall."""
    order = letter.order
    address = order.email if letter.kind == Letter.Kind.QUESTION else order.marketplace.support_email
    return [address] if address else None


def _our_domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]

"""The kinds of letters about orders as mail: the subject of each, and a sample.

A kind is one member of ``Letter.Kind``, one entry of ``LETTERS`` and two templates, ``letters/<kind>.txt`` and
``.html``, which may use what ``context`` gives and the ``mall``'s name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from cart.letters.models import Letter
from cart.letters.samples import FIRST, GOODS, MONEY, NUMBER, RETURNED, order_context
from vendors.mail import MailKind

Kind = Letter.Kind
ANSWER = "Please pack them as they came.\nOur address is 4 Market Street, Sligo."
CHANGES = [{"label": "Address", "to": "2 Quay Street"}, {"label": "Second line", "to": ""}]
REFUSAL = "The cushions were embroidered with your name, as you had asked for."

# The subject of each kind, and the facts of its sample.
LETTERS: Final[Mapping[Letter.Kind, tuple[str, dict[str, Any]]]] = {
    Kind.PLACED: ("Your order {{ order.number }} at {{ mall }}", {}),
    Kind.NOT_PLACED: ("Your order {{ order.number }} could not be placed", {"is_in_cart": True}),
    Kind.PAYMENT_RETURNED: ("Your payment for order {{ order.number }} goes back", {"placed": NUMBER, **MONEY}),
    Kind.REFUNDED: ("{{ facts.amount|money:facts.currency }} given back for order {{ order.number }}", MONEY),
    Kind.TO_PAY: ("Your order {{ order.number }} waits for your transfer", {}),
    Kind.PAYMENT_EXPIRED: ("Your order {{ order.number }} was not paid in time", {}),
    Kind.SENT: ("{{ consignment.vendor }} has sent goods of your order {{ order.number }}", {"consignment": FIRST}),
    Kind.DELIVERED: ("Your parcel from {{ consignment.vendor }} has arrived", {"consignment": FIRST}),
    Kind.CANCELLED_GOODS: (
        "Cancelled: {% if facts.goods %}goods of {% endif %}your order {{ order.number }}",
        {"goods": GOODS, "why": "The kettles came chipped from the potter.", **MONEY},
    ),
    Kind.RETURN_ASKED: ("You want to send goods of order {{ order.number }} back to {{ facts.shop }}", RETURNED),
    Kind.RETURN_ACCEPTED: (
        "Send your goods of order {{ order.number }} back to {{ facts.shop }}",
        {**RETURNED, "answer": ANSWER},
    ),
    Kind.RETURN_REFUSED: (
        "{{ facts.shop }} does not take goods of order {{ order.number }} back",
        {**RETURNED, "answer": REFUSAL},
    ),
    Kind.RETURN_RECEIVED: ("{{ facts.shop }} has your goods of order {{ order.number }} back", RETURNED),
    Kind.LINK: ("The link to your order {{ order.number }}", {}),
    Kind.QUESTION: (
        "A question about parcel {{ facts.consignment }}",
        {"consignment": FIRST, "shop": "Fowlers of Sligo", "text": "Does the kettle whistle?\nIt is for my aunt."},
    ),
    Kind.CONTACT_ASKED: (
        "Confirm the new address of your order {{ order.number }}",
        {"changes": CHANGES, "by": "Fowlers of Sligo"},
    ),
    Kind.CONTACT_CHANGED: (
        "The address of your order {{ order.number }} was changed",
        {"changes": CHANGES, "by": "by Fowlers of Sligo"},
    ),
    Kind.MAIL_MOVED: (
        "Letters about order {{ order.number }} go elsewhere now",
        {"by": "on the page of the order"},
    ),
}
KINDS: Final = {
    kind: MailKind(
        name=f"order-{kind.value.replace('_', '-')}",
        label=kind.label.capitalize(),
        template=f"letters/{kind.value}",
        subject=subject,
        sample=partial(order_context, **facts),
    )
    for kind, (subject, facts) in LETTERS.items()
}

"""The kinds of letters to shoppers as mail: the subject of each, and a sample.

A kind is one member of ``Letter.Kind``, one entry of ``LETTERS`` or ``ABOUT_GOODS`` and two templates,
``letters/<kind>.txt`` and ``.html``, which may use the result of ``context`` (or the facts, of goods) and the
``mall``'s name.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from django.utils.translation import gettext_noop

from cart.letters.models import Letter
from cart.letters.samples import FIRST, GOODS, MONEY, NUMBER, RETURNED, WANTED, goods_context, order_context
from vendors.mail import MailKind

Kind = Letter.Kind
ANSWER = "Please pack them as they came.\nOur address is 4 Market Street, Sligo."
CHANGES = [{"label": "Address", "to": "2 Quay Street"}, {"label": "Second line", "to": ""}]
REFUSAL = "The cushions were embroidered with your name, as you had asked for."

# The subject of each kind, and the facts of its sample.
LETTERS: Final[Mapping[Letter.Kind, tuple[str, dict[str, Any]]]] = {
    Kind.PLACED: (gettext_noop("Your order {{ order.number }} at {{ mall }}"), {}),
    Kind.NOT_PLACED: (gettext_noop("Your order {{ order.number }} could not be placed"), {"is_in_cart": True}),
    Kind.PAYMENT_RETURNED: (
        gettext_noop("Your payment for order {{ order.number }} goes back"),
        {"placed": NUMBER, **MONEY},
    ),
    Kind.REFUNDED: (
        gettext_noop("{{ facts.amount|money:facts.currency }} given back for order {{ order.number }}"),
        MONEY,
    ),
    Kind.TO_PAY: (gettext_noop("Your order {{ order.number }} waits for your transfer"), {}),
    Kind.PAYMENT_EXPIRED: (gettext_noop("Your order {{ order.number }} was not paid in time"), {}),
    Kind.SENT: (
        gettext_noop("{{ consignment.vendor }} has sent goods of your order {{ order.number }}"),
        {"consignment": FIRST},
    ),
    Kind.DELIVERED: (gettext_noop("Your parcel from {{ consignment.vendor }} has arrived"), {"consignment": FIRST}),
    Kind.CANCELLED_GOODS: (
        gettext_noop("Cancelled: {% if facts.goods %}goods of {% endif %}your order {{ order.number }}"),
        {"goods": GOODS, "why": "The kettles came chipped from the potter.", **MONEY},
    ),
    Kind.RETURN_ASKED: (
        gettext_noop("You want to send goods of order {{ order.number }} back to {{ facts.shop }}"),
        RETURNED,
    ),
    Kind.RETURN_ACCEPTED: (
        gettext_noop("Send your goods of order {{ order.number }} back to {{ facts.shop }}"),
        {**RETURNED, "answer": ANSWER},
    ),
    Kind.RETURN_REFUSED: (
        gettext_noop("{{ facts.shop }} does not take goods of order {{ order.number }} back"),
        {**RETURNED, "answer": REFUSAL},
    ),
    Kind.RETURN_RECEIVED: (gettext_noop("{{ facts.shop }} has your goods of order {{ order.number }} back"), RETURNED),
    Kind.LINK: (gettext_noop("The link to your order {{ order.number }}"), {}),
    Kind.QUESTION: (
        gettext_noop("A question about parcel {{ facts.consignment }}"),
        {"consignment": FIRST, "shop": "Fowlers of Sligo", "text": "Does the kettle whistle?\nIt is for my aunt."},
    ),
    Kind.CONTACT_ASKED: (
        gettext_noop("Confirm the new address of your order {{ order.number }}"),
        {"changes": CHANGES, "by": "Fowlers of Sligo"},
    ),
    Kind.CONTACT_CHANGED: (
        gettext_noop("The address of your order {{ order.number }} was changed"),
        {"changes": CHANGES, "by_name": "Fowlers of Sligo"},
    ),
    Kind.MAIL_MOVED: (
        gettext_noop("Letters about order {{ order.number }} go elsewhere now"),
        {"by_name": ""},
    ),
}
# The same of kinds that are about goods, and no order.
ABOUT_GOODS: Final[Mapping[Letter.Kind, tuple[str, dict[str, Any]]]] = {
    Kind.STOCK_ASKED: (gettext_noop("Shall we write when {{ facts.name }} is back?"), WANTED),
    Kind.STOCK_BACK: (gettext_noop("{{ facts.name }} is back at {{ facts.shop }}"), WANTED),
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
} | {
    kind: MailKind(
        name=f"goods-{kind.value.replace('_', '-')}",
        label=kind.label.capitalize(),
        template=f"letters/{kind.value}",
        subject=subject,
        sample=partial(goods_context, **facts),
    )
    for kind, (subject, facts) in ABOUT_GOODS.items()
}

"""Services that change the address or the mail address of an order, at once or when its mail address has confirmed it.

Goods go elsewhere only until a shop works with the address (``refusal``); letters always can. The letters about it,
the audit log and the dispatches are written in the same transaction. All lock the order first. Who may: ADR 43.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core import signing
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from cart.aftersale.errors import NotChangeableError
from cart.aftersale.models import ContactChange
from cart.letters import outbox
from cart.letters.models import Letter
from cart.letters.services import write_letter
from cart.orders.models import Consignment, Order
from cart.orders.signals import contact_changed
from cart.transactions import in_transaction
from vendors.audit import log_changes
from vendors.delivery import DeliveryMethod, Destination, zone_for
from vendors.zones import read_zones, zone_rows

By = ContactChange.By
# The country is not among them: delivery was agreed and charged for it.
POSTAL = ("name", "line1", "line2", "town", "postcode", "phone")
FIELDS = (*POSTAL, "email")
CONFIRM_WITHIN = timedelta(days=1)
CHANGES_AN_HOUR = 5  # of the shopper; each is a letter or two
_signer = signing.TimestampSigner(salt="cart.aftersale.contact")


@dataclass(frozen=True, slots=True)
class Author:
    """Say who changes an order: the side, its name in letters, and the account, if any."""

    by: str
    name: str = ""
    user: Any = None


def contact_of(order: Order) -> dict[str, str]:
    """Return the fields of an order that can be changed."""
    return {name: getattr(order, name) for name in FIELDS}


def fingerprint(order: Order) -> str:
    """Return a digest of the fields as they are: a form carries the one of the fields it showed."""
    return hashlib.sha256(json.dumps(contact_of(order), sort_keys=True).encode()).hexdigest()[:32]


def refusal(order: Order, by: str) -> str:
    """Return why the goods of an order can go to no other address any more, as a sentence; '' where they can."""
    if order.is_to_pay:
        return ""
    if order.state != Order.State.PLACED:
        return gettext("Order %(order)s is %(state)s.") % {"order": order.number, "state": order.get_state_display()}
    rows = Consignment.objects.filter(order=order).exclude(state=Consignment.State.CANCELLED)
    for consignment in rows.select_related("vendor").order_by("pk"):
        if consignment.state != Consignment.State.OPEN:
            return gettext("%(vendor)s has packed %(consignment)s already.") % {
                "vendor": consignment.vendor.name,
                "consignment": consignment.number,
            }
        if consignment.printed_at and by == By.SHOPPER:
            return gettext("%(vendor)s packs %(consignment)s already.") % {
                "vendor": consignment.vendor.name,
                "consignment": consignment.number,
            }
    return ""


@in_transaction
def change_contact(
    *, order_id: int, seen: str, wanted: Mapping[str, str], key: str, author: Author, now: datetime
) -> ContactChange:
    """Change an order at once; once for each key. ``seen`` is the fingerprint that the form showed.

    Raise NotChangeableError; nothing was changed then.
    """
    order = _lock_order(order_id)
    found = _find(order, key)
    if found is not None:
        return found
    change = _write(order, seen, wanted, key=key, author=author, now=now)
    _make(order, change, author.name, now)
    return change


@in_transaction
def ask_change(
    *, order_id: int, seen: str, wanted: Mapping[str, str], key: str, author: Author, now: datetime
) -> ContactChange:
    """Ask the order's mail address to confirm a change; once for each key. Raise as ``change_contact`` does."""
    order = _lock_order(order_id)
    found = _find(order, key)
    if found is not None:
        return found
    change = _write(order, seen, wanted, key=key, author=author, now=now)
    path = reverse("order:confirm", args=[_signer.sign(change.uuid.hex)])
    facts = {"changes": lines(change), "path": path, "by": author.name}
    write_letter(order=order, kind=Letter.Kind.CONTACT_ASKED, key=str(change.pk), facts=facts)
    return change


@in_transaction
def confirm_change(*, change_id: int, now: datetime) -> ContactChange:
    """Make a change that waited, on the word of the order's mail address; once. Raise as ``change_contact`` does."""
    change = ContactChange.objects.get(pk=change_id)
    order = _lock_order(change.order_id)
    change.refresh_from_db()
    if change.made_at is None:
        if any(getattr(order, name) != value for name, value in change.before.items()):
            raise NotChangeableError(gettext("The order was changed since then. Ask for your change again."))
        _make(order, change, "", now)
    return change


def read_confirmation(token: str) -> ContactChange | None:
    """Return the change that a confirmation link names; None for a forged link, and one older than a day."""
    try:
        uuid = UUID(hex=_signer.unsign(token, max_age=CONFIRM_WITHIN))
    except (signing.BadSignature, ValueError):
        return None
    return ContactChange.objects.select_related("order__marketplace").filter(uuid=uuid).first()


def lines(change: ContactChange) -> list[dict[str, str]]:
    """Return a change as rows for people: the label of each field, and its value before and after."""
    return [
        {"label": LABELS[name], "from": change.before.get(name, ""), "to": value}
        for name, value in change.after.items()
    ]  # fmt: skip


LABELS = {
    "name": gettext_noop("Name"), "line1": gettext_noop("Address"), "line2": gettext_noop("Second line"),
    "town": gettext_noop("Town"), "postcode": gettext_noop("Postcode"), "phone": gettext_noop("Phone"),
    "email": gettext_noop("E-mail"),
}  # fmt: skip


def _lock_order(order_id: int) -> Order:
    return Order.objects.select_for_update(no_key=True).get(pk=order_id)


def _find(order: Order, key: str) -> ContactChange | None:
    return ContactChange.objects.filter(order=order, key=key).first()


def _write(
    order: Order, seen: str, wanted: Mapping[str, str], *, key: str, author: Author, now: datetime
) -> ContactChange:
    """Write the row of a change that can be made now. Raise NotChangeableError."""
    if seen != fingerprint(order):
        raise NotChangeableError(
            gettext("The address was changed while this page was open. Look again, then change it.")
        )
    before = contact_of(order)
    after = {name: wanted[name] for name in FIELDS if name in wanted and wanted[name] != before[name]}
    if not after:
        raise NotChangeableError(gettext("Nothing is different."))
    if author.by == By.SHOPPER:
        recent = ContactChange.objects.filter(order=order, by=author.by, asked_at__gt=now - timedelta(hours=1))
        if recent.count() >= CHANGES_AN_HOUR:
            raise NotChangeableError(gettext("That were many changes in an hour. Try again later."))
    _refuse(order, after, author.by)
    return ContactChange.objects.create(
        order=order,
        key=key,
        by=author.by,
        user=author.user,
        asked_at=now,
        after=after,
        before={name: before[name] for name in after},
    )


def _refuse(order: Order, after: Mapping[str, str], by: str) -> None:
    if order.state not in (Order.State.PLACED, Order.State.CANCELLED) and not order.is_to_pay:
        raise NotChangeableError(
            gettext("Order %(order)s is %(state)s.") % {"order": order.number, "state": order.get_state_display()}
        )
    if not after.keys() & set(POSTAL):
        return
    list(Consignment.objects.filter(order=order).order_by("pk").select_for_update(no_key=True))  # who packs it waits
    if reason := refusal(order, by):
        raise NotChangeableError(gettext("%(reason)s It cannot go to another address any more.") % {"reason": reason})
    if "postcode" in after:
        _refuse_other_rate(order, after["postcode"])


def _refuse_other_rate(order: Order, postcode: str) -> None:
    """Raise NotChangeableError where a shop delivers to a postcode otherwise than to the present one, or not at all."""
    country = order.country.code
    rows = Consignment.objects.filter(order=order).exclude(state=Consignment.State.CANCELLED)
    for consignment in rows.select_related("vendor").annotate(zone_rows=zone_rows("vendor")).order_by("pk"):
        zones = read_zones(consignment.zone_rows)
        found = [zone_for(zones, Destination(country, each)) for each in (order.postcode, postcode)]
        now, then = (zone.rates.get(DeliveryMethod(consignment.delivery_method)) if zone else None for zone in found)
        if now != then:
            raise NotChangeableError(
                gettext(
                    "%(vendor)s delivers there for another price, in other days or not at all. For there, cancel this "
                    "order and order anew."
                )
                % {"vendor": consignment.vendor.name}
            )


def _make(order: Order, change: ContactChange, by_name: str, now: datetime) -> None:
    """Make a change: the order, its dispatches, the letters, the log."""
    _refuse(order, change.after, change.by)
    is_postal = bool(change.after.keys() & set(POSTAL))
    old_email = order.email
    for name, value in change.after.items():
        setattr(order, name, value)
    order.link_version += order.email != old_email  # who reads the old mailbox has links
    order.save(update_fields=[*change.after, "link_version"])
    if is_postal:  # a slip that is printed names the old address
        Consignment.objects.filter(order=order, state=Consignment.State.OPEN).update(printed_at=None)
    contact_changed.send(sender=Order, order=order, is_postal=is_postal, now=now)
    change.made_at = now
    change.save(update_fields=["made_at"])
    log_changes([(order, {name: (change.before[name], value) for name, value in change.after.items()})])
    _write_of_it(order, change, by_name, old_email, now)


def _write_of_it(order: Order, change: ContactChange, by_name: str, old_email: str, now: datetime) -> None:
    facts = {"changes": lines(change), "by_name": by_name}
    write_letter(order=order, kind=Letter.Kind.CONTACT_CHANGED, key=str(change.pk), facts=facts)
    if order.email != old_email:
        write_letter(
            order=order, kind=Letter.Kind.MAIL_MOVED, key=str(change.pk), facts={"by_name": by_name}, to=old_email
        )
        outbox.send_refused_again(order.pk, now)

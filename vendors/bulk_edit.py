"""One change of prices, sales and stock over many variants, each against the values that a person saw."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from django.core import signing
from django.db import models, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from vendors import ledger
from vendors.amounts import HIGHEST
from vendors.audit import Changes, log_changes
from vendors.models import Variant
from vendors.money import Money
from vendors.products import offer_fault

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from vendors.models.catalogue import VariantQuerySet

SALT = "vendors.bulk_edit"
MOST_VARIANTS = 1000
PRICES = ("price", "sale_price", "sale_from", "sale_until", "withdrawn")
LABELS = {
    "price": "the price",
    "sale_price": "the sale price",
    "sale_from": "the sale's begin",
    "sale_until": "the sale's end",
    "withdrawn": "whether it is withdrawn",
}


class Adjustment(models.TextChoices):
    """List the ways to get a new amount from the price."""

    SET = "set", "set to"
    RAISE_PERCENT = "raise-percent", "raise by %"
    LOWER_PERCENT = "lower-percent", "lower by %"
    RAISE_AMOUNT = "raise-amount", "raise by the amount"
    LOWER_AMOUNT = "lower-amount", "lower by the amount"

    @property
    def is_percent(self) -> bool:
        """Return True if its value is a percentage."""
        return self in {Adjustment.RAISE_PERCENT, Adjustment.LOWER_PERCENT}


@dataclass(frozen=True, slots=True)
class Amount:
    """Adjust a price: by a percentage, or by minor units."""

    way: Adjustment
    value: Decimal | int

    def of(self, price: int) -> int:
        """Return the new amount in minor units, rounded half up; it may be below 0."""
        match self.way:
            case Adjustment.SET:
                new = Decimal(self.value)
            case Adjustment.RAISE_PERCENT:
                new = price * (100 + Decimal(self.value)) / 100
            case Adjustment.LOWER_PERCENT:
                new = price * (100 - Decimal(self.value)) / 100
            case Adjustment.RAISE_AMOUNT:
                new = price + Decimal(self.value)
            case _:
                new = price - Decimal(self.value)
        return int(new.quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Sale:
    """Put variants on sale at an amount, from and until a moment; without an amount the sale ends."""

    amount: Amount | None = None
    begins: datetime | None = None
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class StockEntry:
    """Hold the movement that each variant gets."""

    kind: str
    pieces: int
    why: str

    def entry_of(self, variant_id: int, *, version: int) -> ledger.Entry:
        """Return the entry for a variant whose stock was seen at a version."""
        return ledger.Entry(variant_id, self.kind, self.pieces, self.why, version)


@dataclass(frozen=True, slots=True)
class Change:
    """Hold the change of each variant; None leaves a value as it is. ``withdrawn`` takes off the sale, or puts back."""

    price: Amount | None = None
    sale: Sale | None = None
    stock: StockEntry | None = None
    withdrawn: bool | None = None

    @property
    def is_nothing(self) -> bool:
        """Return True if it leaves everything as it is."""
        return all(part is None for part in (self.price, self.sale, self.stock, self.withdrawn))

    def values_for(self, variant: Variant) -> dict[str, Any]:
        """Return the fields that get another value, by name."""
        new: dict[str, Any] = {}
        if self.price is not None:
            new["price"] = self.price.of(variant.price)
        if self.sale is not None:
            amount = self.sale.amount
            new |= {
                "sale_price": amount.of(new.get("price", variant.price)) if amount else None,
                "sale_from": self.sale.begins,
                "sale_until": self.sale.ends,
            }
        if self.withdrawn is not None:
            new["withdrawn"] = self.withdrawn
        return {name: value for name, value in new.items() if value != getattr(variant, name)}


@dataclass(slots=True)
class Outcome:
    """Say which variants were changed, and why others were refused."""

    changed: list[Variant] = field(default_factory=list)
    refused: list[tuple[Variant | None, str]] = field(default_factory=list)

    def fault_of(self, variant: Variant) -> str:
        """Return why a variant was refused, '' where it was not."""
        return next((text for each, text in self.refused if each == variant), "")

    @property
    def gone(self) -> list[str]:
        """Return a sentence for each variant that is no longer there."""
        return [text for each, text in self.refused if each is None]


def seen_of(variants: Iterable[Variant]) -> str:
    """Return a signed text of variants and of their values on a page; their stock is fetched before."""
    rows = {str(variant.pk): [*_shown(variant), variant.stock.version] for variant in variants}
    return signing.dumps(rows, salt=SALT, compress=True)


def read_seen(text: str) -> dict[int, list[Any]]:
    """Return the values that ``seen_of`` wrote, by variant. Raise signing.BadSignature."""
    return {int(pk): row for pk, row in signing.loads(text, salt=SALT).items()}


def fault_of(variant: Variant, new: dict[str, Any]) -> str:
    """Return why a variant cannot have new values, as a sentence; '' where it can."""
    after = {name: new.get(name, getattr(variant, name)) for name in PRICES}
    price, sale_price = after["price"], after["sale_price"]
    currency = variant.currency
    faults = (
        (price < 1, "A price is more than nothing."),
        (price > HIGHEST, f"A price is {Money(HIGHEST, currency)} at most."),
        (sale_price is not None and sale_price < 1, "A sale price is more than nothing."),
        (
            sale_price is not None and sale_price >= price,
            f"The sale price {Money(sale_price or 0, currency)} would not be below the price {Money(price, currency)}.",
        ),
        (
            after["sale_from"] and after["sale_until"] and after["sale_from"] >= after["sale_until"],
            "The sale ends before it begins.",
        ),
    )
    return next((text for is_wrong, text in faults if is_wrong), "")


@transaction.atomic
def change_variants(
    rows: VariantQuerySet,
    seen: dict[int, list[Any]],
    change: Change,
    *,
    user: AbstractBaseUser | None,
    now: datetime,
) -> Outcome:
    """Change each of the seen variants among ``rows`` as far as it is what was seen; say which were refused and why.

    Variants are locked before stock, each in primary key order.
    """
    found = _locked(rows, seen, with_stock=change.stock is not None)
    outcome = Outcome()
    changes: list[tuple[Variant, Changes]] = []
    for pk, before in sorted(seen.items()):
        variant = found.get(pk)
        if variant is None:
            outcome.refused.append((None, "One of the variants is no longer there."))
            continue
        try:
            new = _checked(variant, before, change)
            if change.stock:
                ledger.enter(change.stock.entry_of(pk, version=before[-1]), user=user, now=now)
        except ledger.LedgerError as error:
            outcome.refused.append((variant, str(error)))
        else:
            changes.append((variant, _set(variant, new)))
            outcome.changed.append(variant)
    Variant.objects.bulk_update(outcome.changed, PRICES, batch_size=500)
    log_changes((variant, each) for variant, each in changes if each)
    return outcome


def _locked(rows: VariantQuerySet, keys: Collection[int], *, with_stock: bool) -> dict[int, Variant]:
    """Lock variants, and their stock where it is wanted; return them by key."""
    mine = rows.filter(pk__in=keys)
    list(mine.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk"))
    if with_stock:
        ledger.lock_for_entries(keys)
    return {variant.pk: variant for variant in mine.select_related("stock", "product__vendor__marketplace")}


def _set(variant: Variant, new: dict[str, Any]) -> Changes:
    """Give a variant new values, and return the changes; a withdrawal is stored, for the next is checked against it."""
    if "withdrawn" in new:
        Variant.objects.filter(pk=variant.pk).update(withdrawn=new["withdrawn"])
    changes = {name: (getattr(variant, name), value) for name, value in new.items()}
    for name, value in new.items():
        setattr(variant, name, value)
    return changes


def _checked(variant: Variant, before: list[Any], change: Change) -> dict[str, Any]:
    """Return the new values of a locked variant. Raise LedgerError where it cannot have them."""
    new = change.values_for(variant)
    fault = stale_words(variant, before) or fault_of(variant, new)
    if "withdrawn" in new:
        fault = fault or offer_fault(variant, withdrawn=new["withdrawn"])
    if fault:
        raise ledger.LedgerError(fault)
    return new


def stale_words(variant: Variant, before: list[Any]) -> str:
    """Return the changes of a variant since it was shown, as sentences, or ''."""
    changed = [
        f"{LABELS[name]} was {_in_words(variant, name, was)}, and is {_in_words(variant, name, now)} now"
        for name, was, now in zip(PRICES, before, _shown(variant), strict=False)
        if was != now
    ]
    return f"Not saved, for it changed while this page was open: {'; '.join(changed)}." if changed else ""


def _shown(variant: Variant) -> list[Any]:
    shown = [getattr(variant, name) for name in PRICES]
    return [value.isoformat() if isinstance(value, datetime) else value for value in shown]


def _in_words(variant: Variant, name: str, value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(Money(value, variant.currency))
    moment = parse_datetime(value)
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}" if moment else str(value)

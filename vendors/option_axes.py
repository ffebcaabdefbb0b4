"""The choice of a variant by its options, one after the other, where a product has too many variants for one list.

A field for each option carries its value, in the address of the product's page and in the form that adds to the cart
(ADR 79). Combinations that are not made, and sold-out ones, are named beside each value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from vendors.models import Product
from vendors.offers import Offer, variants_on_offer
from vendors.options import Combination, Key, key_of

PREFIX = "option-"
MOST_RADIOS = 6  # values; more are a select


@dataclass(frozen=True, slots=True)
class AxisValue:
    """Offer one value of an option; ``note`` says why it cannot be had with the other values, '' where it can."""

    value: str
    is_chosen: bool
    note: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Offer the values of one option; ``field`` is the name of its form field."""

    name: str
    field: str
    values: list[AxisValue]

    @property
    def is_list(self) -> bool:
        """Return whether there are too many values for radio buttons."""
        return len(self.values) > MOST_RADIOS


@dataclass(frozen=True, slots=True)
class AxesChoice:
    """Hold the axes of a product, the chosen combination, and its offer; None where it is not made."""

    axes: list[Axis]
    combination: Combination
    offer: Offer | None

    @property
    def name(self) -> str:
        """Return the chosen combination in words."""
        return " · ".join(self.combination.values())

    @property
    def sold_out(self) -> list[Offer]:
        """Return the chosen offer if it is sold out."""
        return [self.offer] if self.offer is not None and not self.offer.available else []


def field_of(place: int) -> str:
    """Return the name of the field of an option by its place."""
    return f"{PREFIX}{place + 1}"


def has_axes(product: Product, offers: Sequence[Offer], most_rows: int) -> bool:
    """Return whether a product's variants are chosen by option: many of them, and all of them combinations."""
    names = {option["name"] for option in product.options}
    return (
        len(offers) > most_rows and len(names) > 1 and all(names <= set(each.variant.option_values) for each in offers)
    )


def choose(product: Product, offers: Sequence[Offer], typed: Mapping[str, str]) -> AxesChoice:
    """Return the choice that an address carries; open options are taken of the first offer that can be had."""
    asked = typed_values(product.options, typed)
    by_key = {_key(product, offer): offer for offer in offers}
    fitting = [each for each in offers if asked.items() <= each.variant.option_values.items()]
    first = next((each for each in fitting if each.available), next(iter(fitting or offers)))
    combination = {option["name"]: first.variant.option_values[option["name"]] for option in product.options} | asked
    axes = [
        Axis(
            option["name"],
            field_of(place),
            [
                AxisValue(
                    value,
                    combination[option["name"]] == value,
                    _why_not(by_key.get(key_of(combination | {option["name"]: value}))),
                )
                for value in option["values"]
            ],
        )
        for place, option in enumerate(product.options)
    ]
    return AxesChoice(axes, combination, by_key.get(key_of(combination)))


def typed_values(options: Sequence[Mapping[str, Any]], typed: Mapping[str, str]) -> Combination:
    """Return the values that fields carry by option, without strange ones."""
    found = {option["name"]: typed.get(field_of(place), "") for place, option in enumerate(options)}
    return {option["name"]: found[option["name"]] for option in options if found[option["name"]] in option["values"]}


def variant_of(product_id: int, typed: Mapping[str, str], now: datetime) -> int | None:
    """Return the variant on offer with exactly the values that fields carry; None where there is none."""
    options = Product.objects.filter(pk=product_id).values_list("options", flat=True).first() or []
    asked = typed_values(options, typed)
    if not options or len(asked) != len(options):
        return None
    return next((each.pk for each in variants_on_offer(product_id, now) if each.option_values == asked), None)


def _key(product: Product, offer: Offer) -> Key:
    return key_of({option["name"]: offer.variant.option_values[option["name"]] for option in product.options})


def _why_not(offer: Offer | None) -> str:
    if offer is None:
        return gettext("not made like this")
    return "" if offer.available else gettext("sold out")

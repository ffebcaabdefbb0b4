"""Options of a product and their combinations: which variants there will be, of those that are there.

An option is what a shopper chooses, such as size or colour; a combination has one value of each.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vendors.models import Variant

type Combination = dict[str, str]
type Key = frozenset[tuple[str, str]]

MOST_VARIANTS = 1000
BETWEEN_VALUES = " · "
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
NOT_OF_A_SKU = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Option:
    """Hold the name and the values of an option; ``was`` is its name before, '' for a new one."""

    name: str
    values: tuple[str, ...]
    was: str = ""


@dataclass(slots=True)
class Plan:
    """Plan a product's variants: each with its combination, in the order of the shop."""

    kept: list[tuple[Variant, Combination]] = field(default_factory=list)
    restored: list[tuple[Variant, Combination]] = field(default_factory=list)
    new: list[Combination] = field(default_factory=list)
    withdrawn: list[Variant] = field(default_factory=list)


def options_of(stored: list[dict[str, Any]]) -> list[Option]:
    """Return the options as a product's row has them."""
    return [Option(each["name"], tuple(each["values"]), was=each["name"]) for each in stored]


def stored(options: Iterable[Option]) -> list[dict[str, Any]]:
    """Return options as a product's row has them."""
    return [{"name": option.name, "values": list(option.values)} for option in options]


def split_values(text: str) -> tuple[str, ...]:
    """Return the values of a text with commas, each once, in order."""
    return tuple(dict.fromkeys(value for part in text.split(",") if (value := " ".join(part.split()))))


def number_of_combinations(options: Iterable[Option]) -> int:
    """Return how many combinations there are, without making them."""
    return math.prod(len(option.values) for option in options)


def combinations(options: Sequence[Option]) -> list[Combination]:
    """Return every combination, the values of the last option changing first; none without an option."""
    if not options:
        return []
    names = [option.name for option in options]
    return [
        dict(zip(names, values, strict=True)) for values in itertools.product(*(option.values for option in options))
    ]


def name_of(combination: Combination) -> str:
    """Return the name of the variant of a combination."""
    return BETWEEN_VALUES.join(combination.values())


def sku_of(pattern: str, combination: Combination) -> str:
    """Return the SKU of a combination: the pattern, with a value for each option's name in braces."""
    values = {name.casefold(): NOT_OF_A_SKU.sub("-", value).strip("-").upper() for name, value in combination.items()}
    return PLACEHOLDER.sub(lambda found: values.get(found[1].strip().casefold(), found[0]), pattern)


def make_plan(before: Sequence[Option], options: Sequence[Option], variants: Iterable[Variant]) -> Plan:
    """Plan the variants of new options; ``before`` are the options that the product has.

    A renamed option keeps its values, a new one takes its first value for what is there already, and a variant without
    values is known by its name. What was withdrawn by hand stays so: a variant comes back only with a value that does.
    """
    free = by_key(combinations(options))
    known = by_key(combinations(before))
    on_offer_first = sorted(variants, key=lambda variant: (variant.withdrawn, variant.position, variant.pk))
    by_name = _by_name(list(free.values()), on_offer_first)
    plan = Plan()
    for variant in on_offer_first:
        named = by_name.get(variant.name.casefold(), {})
        combination = free.pop(key_of(combination_for(variant, options) if variant.option_values else named), None)
        if combination is not None:
            is_back = variant.withdrawn and key_of(variant.option_values) not in known
            (plan.restored if is_back else plan.kept).append((variant, combination))
        elif variant.option_values and not variant.withdrawn:
            plan.withdrawn.append(variant)
    plan.new = list(free.values())
    return plan


def _by_name(wanted: Sequence[Combination], variants: Iterable[Variant]) -> dict[str, Combination]:
    """Return combinations by the name of their variant; one alone on offer may be without a name: it is the first."""
    by_name = {name_of(combination).casefold(): combination for combination in wanted}
    on_offer = [variant for variant in variants if not variant.withdrawn]
    return by_name | {"": wanted[0]} if wanted and len(on_offer) == 1 else by_name


def combination_for(variant: Variant, options: Sequence[Option]) -> Combination:
    """Return the combination that a variant with values has under new options; it may be none of theirs."""
    return {option.name: variant.option_values.get(option.was, option.values[0]) for option in options}


def key_of(combination: Combination) -> Key:
    """Return a combination in a form that sets hold."""
    return frozenset(combination.items())


def by_key(combinations: Iterable[Combination]) -> dict[Key, Combination]:
    """Return combinations by their key, in order."""
    return {key_of(combination): combination for combination in combinations}

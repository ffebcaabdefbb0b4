"""Services of products: their variants by options, their copies, and what keeps one from being sold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from auditlog.models import LogEntry
from django.db import transaction

from vendors import ledger, options, skus
from vendors.audit import Changes, log_changes
from vendors.models import Product, Variant

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

NOTHING_TO_SELL = "A published product needs a variant that is not withdrawn: add one, or let it be a draft."
NO_VARIANT = "It has no variant on sale."
LAST_ON_SALE = "It is the last variant on sale of a published product; withdraw the product instead."
SLUG_LENGTH, SKU_LENGTH, NAME_LENGTH = 160, 40, 80
MOST_COPIES = 1000


class ProductError(Exception):
    """Report a change of a product that cannot be made, in words for the person who asked for it."""


@dataclass(frozen=True, slots=True)
class NewVariants:
    """Hold the values of new variants: a price in minor units, a pattern for the SKU, and the first pieces on hand."""

    price: int
    sku_pattern: str
    pieces: int = 0


def refuse_nothing_to_sell(product: Product) -> None:
    """Raise ProductError for a published product whose variants, as they are stored, are all withdrawn or none."""
    is_published = product.status == Product.Status.PUBLISHED
    if is_published and not Variant.objects.on_offer().filter(product=product.pk).exists():
        raise ProductError(NOTHING_TO_SELL)


@transaction.atomic
def set_status(
    *, seen: Mapping[int, str], status: Product.Status, now: datetime, vendor_id: int | None = None
) -> dict[int, str]:
    """Give products, of one vendor or any, a status from the one that was seen; return the others with the reasons.

    The rows are locked by their keys, in order.
    """
    rows = Product.objects.filter(pk__in=seen).order_by("pk").select_for_update(no_key=True)
    found = {row.pk: row for row in (rows if vendor_id is None else rows.filter(vendor=vendor_id))}
    sellable = set(Variant.objects.on_offer().filter(product__in=found).values_list("product_id", flat=True))
    refused = {
        pk: reason for pk, was in seen.items() if (reason := _status_fault(found.get(pk), was, status, sellable))
    }
    changed = [row for pk, row in found.items() if pk not in refused]
    Product.objects.filter(pk__in=[row.pk for row in changed]).update(status=status, updated_at=now)
    log_changes((row, {"status": (row.status, status)}) for row in changed)
    return refused


def _status_fault(row: Product | None, seen: str, status: Product.Status, sellable: Collection[int]) -> str:
    if row is None:
        return "It is not there any more."
    if row.status != seen:
        return f"It was {Product.Status(seen).label}, and is {row.get_status_display()} by now."
    if row.status == status:
        return f"It is {status.label} already."
    return NO_VARIANT if status == Product.Status.PUBLISHED and row.pk not in sellable else ""


def offer_fault(variant: Variant, *, withdrawn: bool) -> str:
    """Return why a variant cannot be withdrawn, or put on sale again, as a sentence; '' where it can."""
    others = Variant.objects.on_offer().filter(product=variant.product_id).exclude(pk=variant.pk)
    if withdrawn:
        is_needed = variant.product.status == Product.Status.PUBLISHED and not others.exists()
        return LAST_ON_SALE if is_needed else ""
    has_twin = bool(variant.option_values) and others.filter(option_values=variant.option_values).exists()
    return "Another variant on sale has the same values." if has_twin else ""


@transaction.atomic
def set_options(
    product: Product,
    chosen: Sequence[options.Option],
    new: NewVariants,
    *,
    user: AbstractBaseUser | None,
    now: datetime,
) -> options.Plan:
    """Give a product its options, and bring its variants in line; raise ProductError, and change nothing, if it cannot.

    Variants that are needed no longer are withdrawn, never deleted. The caller has locked the product's row.
    """
    plan = options.make_plan(options.options_of(product.options), chosen, product.variants.all())
    _refuse_names(plan)
    order = {key: place for place, key in enumerate(options.by_key(options.combinations(chosen)))}
    made = [_new_variant(product, _of_combination(each, order), new) for each in plan.new]
    _refuse_skus(product, made)
    product.options = options.stored(chosen)
    product.save(update_fields=["options", "updated_at"])
    _carry_out(plan, order)
    _create(made)
    if new.pieces and made:
        ledger.count({variant.pk: new.pieces for variant in made}, why="First stock", user=user, now=now)
    refuse_nothing_to_sell(product)
    return plan


def _refuse_names(plan: options.Plan) -> None:
    names = [options.name_of(combination) for combination in plan.new]
    if too_long := next((name for name in names if len(name) > NAME_LENGTH), ""):
        raise ProductError(f"“{too_long}” has more than {NAME_LENGTH} characters; shorten the values.")


def _refuse_skus(product: Product, made: Sequence[Variant]) -> None:
    skus_of_it = [variant.sku for variant in made]
    if fault := skus.sku_fault(product.vendor_id, skus_of_it) if made else "":
        raise ProductError(fault)
    if too_long := next((sku for sku in skus_of_it if len(sku) > SKU_LENGTH), ""):
        raise ProductError(f"The SKU {too_long} has more than {SKU_LENGTH} characters; shorten the pattern.")


def _new_variant(product: Product, values: dict[str, Any], new: NewVariants) -> Variant:
    sku = options.sku_of(new.sku_pattern, values["option_values"])
    return Variant(product=product, sku=sku, price=new.price, **values)


def _carry_out(plan: options.Plan, order: dict[options.Key, int]) -> None:
    """Withdraw variants, then give the others their place: one may get the values that a withdrawn one had."""
    _update([(variant, {"withdrawn": True}) for variant in plan.withdrawn])
    placed = [(variant, _of_combination(each, order)) for variant, each in plan.kept]
    placed += [(variant, _of_combination(each, order) | {"withdrawn": False}) for variant, each in plan.restored]
    _update(placed)


def _of_combination(combination: options.Combination, order: dict[options.Key, int]) -> dict[str, Any]:
    return {
        "name": options.name_of(combination),
        "option_values": combination,
        "position": order[options.key_of(combination)],
    }


def _update(rows: Sequence[tuple[Variant, dict[str, Any]]]) -> None:
    """Give variants new values at once, each change with its entry in the audit log."""
    changes: list[tuple[Variant, Changes]] = []
    for variant, new in rows:
        if changed := {name: (getattr(variant, name), value) for name, value in new.items()
                       if getattr(variant, name) != value}:  # fmt: skip
            changes.append((variant, changed))
        for name, value in new.items():
            setattr(variant, name, value)
    fields = ["name", "option_values", "position", "withdrawn"]
    Variant.objects.bulk_update([variant for variant, _ in changes], fields, batch_size=500)
    log_changes(changes)


def _create(variants: list[Variant]) -> None:
    """Create variants at once, each with its entry in the audit log."""
    Variant.objects.bulk_create(variants, batch_size=500)
    fields = ["name", "sku", "price", "position"]
    log_changes(
        ((variant, {name: (None, getattr(variant, name)) for name in fields}) for variant in variants),
        action=LogEntry.Action.CREATE,
    )


@transaction.atomic
def duplicate(product: Product) -> Product:
    """Return a copy of a product as a draft: its words, pictures, options and variants on offer, without stock."""
    variants = list(product.variants.filter(withdrawn=False))
    pictures = list(product.images.all())
    end = _free_end(product, [variant.sku for variant in variants])
    copy = Product.objects.create(
        vendor_id=product.vendor_id,
        category_id=product.category_id,
        name=f"{product.name[:130]} (copy)",
        slug=_with_end(product.slug, SLUG_LENGTH, end),
        summary=product.summary,
        description=product.description,
        options=product.options,
    )
    _create(
        [
            Variant(
                product=copy,
                name=variant.name,
                option_values=variant.option_values,
                sku=_with_end(variant.sku, SKU_LENGTH, end),
                price=variant.price,
                position=variant.position,
            )
            for variant in variants
        ]
    )
    for picture in pictures:  # the files stay where they are: a new upload is written beside them, never over them
        picture.pk, picture.product = None, copy
        picture._state.adding = True
        picture.save()
    return copy


def _free_end(product: Product, skus_of_it: Collection[str]) -> str:
    """Return the first of -2, -3 and so on that makes a slug and SKUs which the shop does not have."""
    products = Product.objects.filter(vendor=product.vendor_id)
    for number in range(2, MOST_COPIES):
        end = f"-{number}"
        is_slug_free = not products.filter(slug=_with_end(product.slug, SLUG_LENGTH, end)).exists()
        others = [_with_end(sku, SKU_LENGTH, end) for sku in skus_of_it]
        if is_slug_free and not skus.sku_fault(product.vendor_id, others):
            return end
    raise ProductError("There are too many copies of it, or its SKUs are too long to tell two copies apart.")


def _with_end(text: str, length: int, end: str) -> str:
    return f"{text[: length - len(end)]}{end}"

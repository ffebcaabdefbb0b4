"""Model fields for amounts of money: integers in minor units, which people type and read in the currency's main unit.

A model with one has a ``currency``. ``unit_price`` brings ``unit_price_money``, which pages and the admin's lists show.
"""

from __future__ import annotations

from typing import Any

from django.core.validators import MinValueValidator
from django.db import models

from vendors.money import Money
from vendors.money_fields import MoneyField, MoneyInput

more_than_nothing = MinValueValidator(1, "A price is more than nothing.")


class AmountMixin:
    """Make an integer field one of money."""

    verbose_name: Any

    def formfield(self, **kwargs: Any) -> Any:
        """Return the form field; the admin's own widget for integers is left out."""
        kwargs |= {"form_class": MoneyField, "widget": MoneyInput}
        return models.Field.formfield(self, **kwargs)  # type: ignore[arg-type]  # it is one, with the other base

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:  # noqa: FBT001, FBT002 -- Django's signature
        """Add ``<name>_money`` to the model."""
        super().contribute_to_class(cls, name, private_only)  # type: ignore[misc]  # of the field
        if not hasattr(cls, f"{name}_money"):
            setattr(cls, f"{name}_money", property(self._reader(name)))

    def _reader(self, name: str) -> Any:
        def as_money(row: Any) -> Money | None:
            """Return the amount as money, None where there is none."""
            minor = getattr(row, name)
            return None if minor is None else Money(minor, row.currency)

        as_money.short_description = self.verbose_name  # type: ignore[attr-defined]  # read by the admin
        as_money.admin_order_field = name  # type: ignore[attr-defined]  # as above
        return as_money

    def deconstruct(self) -> Any:
        """Describe the plain field: the database knows integers alone."""
        name, _, args, kwargs = super().deconstruct()  # type: ignore[misc]  # of the field
        plain = self.get_internal_type()  # type: ignore[attr-defined]  # as above
        return name, f"django.db.models.{plain}", args, kwargs


class AmountField(AmountMixin, models.PositiveIntegerField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Hold a price or a charge."""


class BigAmountField(AmountMixin, models.PositiveBigIntegerField):  # type: ignore[type-arg]  # as above
    """Hold a sum."""


def amounts_of(model: type[models.Model]) -> set[str]:
    """Return the names of the fields that hold amounts."""
    return {field.name for field in model._meta.concrete_fields if isinstance(field, AmountMixin)}


def as_money(model: type[models.Model], names: Any) -> list[Any]:
    """Return names of an admin's columns or fields, those of amounts as their money."""
    amounts = amounts_of(model)
    return [f"{name}_money" if name in amounts else name for name in names]

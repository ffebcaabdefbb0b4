"""Services of the address book: one entry of each is the default, as long as there is any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext

from cart.orders.models import Address

MOST_ADDRESSES = 50  # of one address book


class FullAddressBookError(Exception):
    """Report that an address book has as many entries as it can have."""


@transaction.atomic
def save_address(*, user: Any, fields: Mapping[str, str]) -> Address:
    """Save an address in the user's address book; idempotent. The first becomes the default.

    Raise FullAddressBookError.
    """
    entries = _lock_book(user)
    existing = next((entry for entry in entries if _has(entry, fields)), None)
    if existing is not None:
        return existing
    if len(entries) >= MOST_ADDRESSES:
        raise FullAddressBookError(
            gettext("An address book has room for %(most_addresses)s addresses. Remove one first.")
            % {"most_addresses": MOST_ADDRESSES}
        )
    return Address.objects.create(user=user, is_default=not any(entry.is_default for entry in entries), **fields)


@transaction.atomic
def change_address(*, user: Any, address_id: int, fields: Mapping[str, str]) -> None:
    """Change an entry; one that became the same as another is left out. Raise Address.DoesNotExist."""
    entries = _lock_book(user)
    entry = _find(entries, address_id)
    twin = next((other for other in entries if other is not entry and _has(other, fields)), None)
    if twin is not None:
        _remove(entry, entries, heir=twin)
        return
    for name, value in fields.items():
        setattr(entry, name, value)
    entry.save(update_fields=list(fields))


@transaction.atomic
def make_default(*, user: Any, address_id: int) -> None:
    """Make an entry the default. Raise Address.DoesNotExist."""
    entry = _find(_lock_book(user), address_id)
    Address.objects.filter(user=user, is_default=True).update(is_default=False)
    Address.objects.filter(pk=entry.pk).update(is_default=True)


@transaction.atomic
def remove_address(*, user: Any, address_id: int) -> None:
    """Remove an entry; after the default, the oldest one becomes it. Raise Address.DoesNotExist."""
    entries = _lock_book(user)
    entry = _find(entries, address_id)
    _remove(entry, entries, heir=next((other for other in entries if other is not entry), None))


def _lock_book(user: Any) -> list[Address]:
    """Return the entries, the oldest first; other changes of the book wait for this transaction."""
    get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
    return list(Address.objects.filter(user=user).order_by("pk"))


def _find(entries: list[Address], address_id: int) -> Address:
    found = next((entry for entry in entries if entry.pk == address_id), None)
    if found is None:
        raise Address.DoesNotExist(f"The address book has no entry {address_id}.")
    return found


def _remove(entry: Address, entries: list[Address], *, heir: Address | None) -> None:
    entry.delete()
    if heir is not None and not any(other.is_default for other in entries if other is not entry):
        Address.objects.filter(pk=heir.pk).update(is_default=True)


def _has(entry: Address, fields: Mapping[str, str]) -> bool:
    return all(str(getattr(entry, name)) == value for name, value in fields.items())

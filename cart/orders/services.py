"""Services of the address book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from cart.orders.models import Address


@transaction.atomic
def save_address(*, user: Any, fields: Mapping[str, str]) -> Address:
    """Save an address in the user's address book; idempotent. The first becomes the default."""
    existing = Address.objects.filter(user=user, **fields).first()
    if existing is not None:
        return existing
    is_first = not Address.objects.filter(user=user, is_default=True).exists()
    return Address.objects.create(user=user, is_default=is_first, **fields)

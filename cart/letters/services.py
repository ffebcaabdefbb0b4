"""The services that other apps call: write a letter about an order, or about goods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from cart.letters.models import Letter
from cart.letters.tasks import enqueue_letter
from cart.orders.models import Order

NUDGED = 10  # letters of one transaction that a worker is woken for; the sweep sends the others


def write_letter(
    *, order: Order, kind: str, key: str = "", facts: Mapping[str, Any] | None = None, to: str = ""
) -> None:
    """Write a letter about an order, once for each kind and key; it is sent after the caller's commit.

    It goes to the buyer's address as it is then, or to ``to``.
    """
    letter = Letter(order=order, kind=kind, key=key, facts=dict(facts or {}), to=to)
    Letter.objects.bulk_create([letter], ignore_conflicts=True)
    transaction.on_commit(lambda: enqueue_letter(letter.uuid), robust=True)


def write_goods_letters(letters: Iterable[Letter]) -> None:
    """Write letters about goods, each once for its kind and key; they are sent after the caller's commit."""
    written = list(letters)
    Letter.objects.bulk_create(written, ignore_conflicts=True)
    for letter in written[:NUDGED]:
        transaction.on_commit(partial(enqueue_letter, letter.uuid), robust=True)


def write_link_letter(*, order: Order, now: datetime) -> None:
    """Write a letter with a new link to an order's page to the order's own address, at most once an hour."""
    write_letter(order=order, kind=Letter.Kind.LINK, key=f"{now:%Y-%m-%d %H}")

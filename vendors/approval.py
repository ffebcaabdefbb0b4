"""The approval of a vendor’s store: set up by its owner, approved, sent back, closed and opened again by the mall."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from vendors.models import Vendor

Status = Vendor.Status


class ApprovalError(Exception):
    """Report a change of a store's approval that is refused; the message is for the asking person."""


@transaction.atomic
def accept_terms(*, vendor: Vendor, user: Any, now: datetime) -> None:
    """Record that an owner accepted the marketplace's terms; the first acceptance stands."""
    row = Vendor.objects.select_for_update(no_key=True).get(pk=vendor.pk)
    if row.terms_accepted_at is None:
        row.terms_accepted_at, row.terms_accepted_by = now, user
        row.save(update_fields=["terms_accepted_at", "terms_accepted_by"])


def ask_for_approval(*, vendor: Vendor) -> None:
    """Ask the mall to open a store that is set up. Raise ApprovalError."""
    _change(vendor, Status.ASKED, only_from={Status.DRAFT})


def approve(*, vendor: Vendor) -> None:
    """Open a store whose owner asked, or one that was closed. Raise ApprovalError."""
    _change(vendor, Status.PUBLISHED, only_from={Status.ASKED, Status.SUSPENDED})


def send_back(*, vendor: Vendor, words: str) -> None:
    """Let the owner set up the store further, with the mall's words. Raise ApprovalError."""
    _change(vendor, Status.DRAFT, only_from={Status.ASKED}, words=_needed(words))


def close(*, vendor: Vendor, words: str) -> None:
    """Close an open store, with the mall's words. Raise ApprovalError."""
    _change(vendor, Status.SUSPENDED, only_from={Status.PUBLISHED}, words=_needed(words))


def _needed(words: str) -> str:
    if not words.strip():
        raise ApprovalError("Say why in a sentence: the owner reads it.")
    return words.strip()


@transaction.atomic
def _change(vendor: Vendor, to: Status, *, only_from: set[Status], words: str = "") -> None:
    row = Vendor.objects.select_for_update(no_key=True).get(pk=vendor.pk)
    if row.status not in only_from:
        raise ApprovalError(f"{row} is {row.get_status_display()} meanwhile.")
    row.status, row.remark = to, words
    row.save(update_fields=["status", "remark"])

"""Deletion of an account: its rows go, its orders stay for the books and are erased as they come to rest (ADR 42)."""

from __future__ import annotations

from datetime import datetime

from auditlog.context import disable_auditlog
from auditlog.models import LogEntry
from django.db import transaction
from django.utils.translation import gettext

from cart.orders.erasure import release_orders
from mall.accounts.errors import DeletionRefusedError
from mall.accounts.models import User
from sessions_farm.communities.models import Visitor
from vendors.models import Membership

DELETED = "a deleted account"


def refusal(user: User) -> str:
    """Return why an account cannot be deleted by its owner, as a sentence; '' where it can."""
    if user.is_mall_staff:
        return gettext("You work for the mall. A superuser has to take your role first.")
    works_for = Membership.objects.filter(user=user).order_by("vendor__name").values_list("vendor__name", flat=True)
    if names := ", ".join(dict.fromkeys(works_for)):
        return gettext(
            "You work for %(names)s. Leave the shop in the back office first, or let an owner remove you there."
        ) % {"names": names}
    return ""


@transaction.atomic
def delete_account(*, user_id: int, now: datetime, visitor: Visitor | None = None) -> None:
    """Delete an account with all that hangs on it alone, and a visitor who is the same person in this browser.

    Raise DeletionRefusedError. Its sessions are the caller's to end: a session of nobody signs nobody in.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    if fault := refusal(user):
        raise DeletionRefusedError(fault)
    release_orders(user=user, now=now)
    _erase_log(user)
    if visitor is not None:
        Visitor.objects.filter(pk=visitor.pk).delete()
    with disable_auditlog():
        user.delete()


def _erase_log(user: User) -> None:
    """Delete the audit log's entries about the account; that staff acted in its name stays, without it."""
    entries = LogEntry.objects.get_for_object(user)
    entries.exclude(action=LogEntry.Action.ACCESS).delete()
    for entry in entries:
        entry.object_repr = DELETED
        entry.additional_data = {**(entry.additional_data or {}), "as": DELETED}
        entry.save(update_fields=["object_repr", "additional_data"])

"""The actor in the audit log, read lazily: only when there is a change to log. An impersonation is logged with both."""

from __future__ import annotations

from typing import Any

from auditlog.context import auditlog_value
from auditlog.middleware import AuditlogMiddleware
from auditlog.models import LogEntry
from django.contrib.admin.models import LogEntry as AdminLogEntry
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from mall.accounts.impersonation import Impersonation, impersonation_of


class AuditMiddleware(AuditlogMiddleware):  # type: ignore[misc]  # the package has no types
    """Auditlog's middleware, without reading the user on each request: that loads a session for every picture."""

    @staticmethod
    def _get_actor(request: HttpRequest) -> Any:
        def actor() -> Any:
            found = impersonation_of(request)
            return found.by if found else getattr(request, "user", None)

        return SimpleLazyObject(actor)  # auditlog evaluates it when it has a change

    def get_extra_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return auditlog's context of a request, and a look for its impersonation."""
        return {**super().get_extra_data(request), "impersonation": lambda: impersonation_of(request)}


def _current() -> Impersonation | None:
    """Return the impersonation of the request that is served, None where there is none."""
    try:
        context = auditlog_value.get()
    except LookupError:
        return None
    look = context.get("impersonation")
    found: Impersonation | None = look() if look else None
    return found


@receiver(pre_save, sender=LogEntry, dispatch_uid="mall.audit.name_both")
def name_both(*, instance: LogEntry, **_kwargs: Any) -> None:
    """Write into a new entry of the audit log in whose name the actor acted."""
    if instance._state.adding and (found := _current()) and "as" not in (instance.additional_data or {}):
        both = {"by": str(found.by), "as": str(found.user), "as_id": found.user.pk}
        instance.additional_data = {**(instance.additional_data or {}), **both}


@receiver(pre_save, sender=AdminLogEntry, dispatch_uid="mall.audit.name_both_in_history")
def name_both_in_history(*, instance: AdminLogEntry, **_kwargs: Any) -> None:
    """Write the acting person into a new entry of the admin's history, and the person in whose name they acted."""
    if instance._state.adding and (found := _current()):
        instance.user = found.by
        instance.change_message = f"{instance.get_change_message()} In the name of {found.user}."

"""Live sessions in the admin: for superusers, to look at and to end; no id and no value is shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from sessions_farm.models import Session, Variable
from sessions_farm.stores import current_store
from sessions_farm.stores.base import now_ms
from sessions_farm.stores.steps import run
from sessions_farm.variables import SIGNED_IN


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """What the ``database`` and ``tiered`` stores hold; ``redis`` alone keeps nothing here."""

    list_display = ("__str__", "created_at", "seen_at", "expires_at", "signed_in", "version")
    ordering = ("-expires_ms",)
    actions = ("end",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        now = int(timezone.now().timestamp() * 1000)
        marker = Variable.objects.filter(session=OuterRef("pk"), name=SIGNED_IN)
        sessions: QuerySet[Session] = super().get_queryset(request).filter(expires_ms__gt=now)
        return sessions.annotate(has_person=Exists(marker))

    @admin.display(description="Signed in", boolean=True)
    def signed_in(self, session: Session) -> bool:
        return bool(session.has_person)  # type: ignore[attr-defined]  # annotated above

    @admin.action(description="End the selected sessions", permissions=["view"])
    def end(self, request: HttpRequest, sessions: QuerySet[Session]) -> None:
        keys = list(sessions.values_list("key_hash", flat=True))
        for key in keys:
            run(current_store().delete(key, "ended", now_ms()))
        self.message_user(request, f"{len(keys)} session{'s' if len(keys) != 1 else ''} ended.")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

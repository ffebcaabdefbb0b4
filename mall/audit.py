"""The actor in the audit log, read lazily: only when there is a change to log."""

from typing import Any

from auditlog.middleware import AuditlogMiddleware
from django.http import HttpRequest


class AuditMiddleware(AuditlogMiddleware):  # type: ignore[misc]  # the package has no types
    """Auditlog's middleware, without reading the user on each request: that loads a session for every picture."""

    @staticmethod
    def _get_actor(request: HttpRequest) -> Any:
        return getattr(request, "user", None)  # lazy: auditlog evaluates it when it has a change

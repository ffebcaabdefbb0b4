"""Who made a change in the log of changes: asked when there is a change to log, not on every page."""

from typing import Any

from auditlog.middleware import AuditlogMiddleware
from django.http import HttpRequest


class AuditMiddleware(AuditlogMiddleware):  # type: ignore[misc]  # the package has no types
    """Auditlog's own asks each request for its user: a session for every picture, and ``Vary: Cookie`` on it."""

    @staticmethod
    def _get_actor(request: HttpRequest) -> Any:
        return getattr(request, "user", None)  # lazy; auditlog looks whether it is a person when it has a change

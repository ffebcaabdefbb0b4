"""The control of the tests of floods: a breaker that counts hand-offs which began and never came back.

A middleware before HandoffMiddleware, so the code of today is judged by the health of yesterday: after LOST hand-offs
in a row within WINDOW, none begins for REST. That is what a stranger can choose for everybody.
"""

from __future__ import annotations

from sessions_farm.communities.handoff import paths
from sessions_farm.stores.circuit_breaker import CircuitBreaker

LOST = 25
WINDOW = REST = 3600.0  # seconds: longer than a test, so that the clock decides nothing

breaker = CircuitBreaker(REST, threshold=LOST, window=WINDOW)


class LostHandoffsMiddleware:
    """While the breaker is open, every request is one that begins no hand-off."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path == paths.CALLBACK:
            breaker.record_success()
        if not request.path.startswith(paths.PREFIX) and not breaker.allow():
            request.META["HTTP_SEC_FETCH_MODE"] = request.META["HTTP_SEC_FETCH_DEST"] = "empty"
            vars(request).pop("headers", None)  # what another middleware has read
        response = self.get_response(request)
        if not request.path.startswith(paths.PREFIX) and paths.AUTHORIZE in response.get("Location", ""):
            breaker.record_failure()
        return response

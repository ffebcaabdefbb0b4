"""The middleware of the session farm."""

from django.contrib.sessions.middleware import SessionMiddleware

__all__ = ["HostGate", "SessionMiddleware", "StrictCookies"]


class HostGate:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)


class StrictCookies(HostGate):
    pass

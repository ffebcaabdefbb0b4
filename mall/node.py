"""The name of this node, on every response."""

import socket
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


def name() -> str:
    """Return NODE of the settings, or the machine's host name."""
    return settings.NODE or socket.gethostname()


class NodeMiddleware:
    """Set ``X-Node`` on each response: the node that served it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.node = name()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response["X-Node"] = self.node
        return response

"""The name of this node, on every response."""

import socket
from collections.abc import Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


def name() -> str:
    return settings.NODE or socket.gethostname()


class NodeMiddleware:
    """Say which node answered: ``X-Node`` on each response."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.node = name()
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if iscoroutinefunction(self):
            return self.__acall__(request)  # type: ignore[return-value] -- Django awaits it
        return self.stamp(self.get_response(request))

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        return self.stamp(await self.get_response(request))  # type: ignore[misc] -- async in this mode

    def stamp(self, response: HttpResponseBase) -> HttpResponseBase:
        response["X-Node"] = self.node
        return response

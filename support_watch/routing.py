"""The feed's applications: the socket, and the stream beside the project's pages; both check who asks from where."""

from typing import Any, cast

from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from sessions_farm.communities.asgi import HostScope
from sessions_farm.communities.origins import SameOriginValidator
from support_watch.consumers import WatchConsumer
from support_watch.streaming import Stream

urls = URLRouter(
    [
        path("ws/watch/<slug:slug>/", WatchConsumer.as_asgi()),
        re_path(r"", WebsocketDenier.as_asgi()),
    ]
)
sockets = SameOriginValidator(HostScope(urls, loads=False), master_only=True)


def streams_beside(pages: Any) -> URLRouter:
    """Return the application of HTTP: the feed's stream, and the project's pages under every other address."""
    return URLRouter([path("watch/v1/<slug:slug>/stream", cast("Any", Stream())), re_path(r"", pages)])

"""The feed's WebSocket application: checks the origin, then the session, then the URL; refuses all else."""

from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from sessions_farm.communities.asgi import HostScope
from sessions_farm.communities.origins import SameOriginValidator
from support_watch.consumers import WatchConsumer

urls = URLRouter(
    [
        path("ws/watch/<slug:slug>/", WatchConsumer.as_asgi()),
        re_path(r"", WebsocketDenier.as_asgi()),
    ]
)
sockets = SameOriginValidator(HostScope(urls), master_only=True)

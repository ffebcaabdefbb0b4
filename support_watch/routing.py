"""The feed's WebSocket application: origin first, then the session, then the URL; anything else is refused."""

from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from sessions_farm.communities.origins import SameOriginValidator
from sessions_farm.web.asgi import SessionScope
from support_watch.consumers import WatchConsumer

urls = URLRouter(
    [
        path("ws/watch/<slug:slug>/", WatchConsumer.as_asgi()),
        re_path(r"", WebsocketDenier.as_asgi()),
    ]
)
sockets = SameOriginValidator(SessionScope(urls), master_only=True)

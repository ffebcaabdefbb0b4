"""The feed's WebSocket URLs; any other is refused."""

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from support_watch.consumers import WatchConsumer

websocket_urlpatterns = [
    path("ws/watch/<slug:slug>/", WatchConsumer.as_asgi()),
    re_path(r"", WebsocketDenier.as_asgi()),
]

"""The ASGI application: pages over HTTP, the support feed over WebSocket."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mall.settings")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 -- the apps are ready only now

from support_watch.routing import sockets  # noqa: E402

application = ProtocolTypeRouter({"http": pages, "websocket": sockets})

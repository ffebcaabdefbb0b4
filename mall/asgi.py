"""The ASGI application of a web node: probes, pages over HTTP, the support feed over WebSocket and as events."""

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mall.settings")

from django.core.asgi import get_asgi_application

pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 -- the apps are ready only now

from mall.dependencies import dependencies  # noqa: E402
from mall.health import HealthEndpoints  # noqa: E402
from mall.metrics import SocketMeter  # noqa: E402
from support_watch.routing import sockets, streams_beside  # noqa: E402
from vendors.watchdog import LoopWatchdog  # noqa: E402

dependencies.start()
application = LoopWatchdog(
    HealthEndpoints(ProtocolTypeRouter({"http": streams_beside(pages), "websocket": SocketMeter(sockets)}))
)

# All that is loaded now stays: a full collection that looked through it would hold every request and socket (ADR 96).
gc.collect()
gc.freeze()

"""The ASGI application: pages over HTTP, the support feed over WebSocket."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mall.settings")

from django.core.asgi import get_asgi_application  # noqa: E402 -- settings first

pages = get_asgi_application()

application = pages

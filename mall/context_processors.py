"""What the frame of each page shows: the mall's name, the node, the developers' figures."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from mall import node


def frame(request: HttpRequest) -> dict[str, Any]:
    return {"node": node.name(), "demo": settings.DEMO, "show_figures": settings.DEBUG or settings.DEMO}

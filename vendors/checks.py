"""Checks of Django about pictures."""

from typing import Any

from django.core.checks import CheckMessage, Warning, register  # noqa: A004 -- Django's name

from vendors import images


@register()
def check_avif(**_: Any) -> list[CheckMessage]:
    """Warn where pictures are written as WebP alone; their pages are heavier by a quarter."""
    if images.HAS_AVIF:
        return []
    hint = "Install Pillow's own wheel, or build it with libavif."
    return [Warning("This Pillow cannot write AVIF: new pictures are offered as WebP alone.", hint, id="vendors.W001")]

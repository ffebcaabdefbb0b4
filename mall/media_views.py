"""The view of pictures in MEDIA_ROOT: the demo and small farms need no other server for them.

Only re-encoded rasters are served; their names change with their content, so they may be cached for ever.
"""

from pathlib import Path

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.utils._os import safe_join
from django.views.decorators.http import require_safe

from sessions_farm.web.decorators import session_off

KINDS = {".webp": "image/webp", ".avif": "image/avif"}
FOR_EVER = "public, max-age=31536000, immutable"


@session_off
@require_safe
def picture(_request: HttpRequest, path: str) -> HttpResponse:
    """Return a picture, immutable for caches; raise Http404 for any other file."""
    kind = KINDS.get(Path(path).suffix)
    if kind is None:
        raise Http404(f"Only pictures ({', '.join(KINDS)}) are served here, not {path}.")
    try:
        content = Path(safe_join(settings.MEDIA_ROOT, path)).read_bytes()
    except (OSError, SuspiciousFileOperation, ValueError) as error:
        raise Http404(f"There is no picture {path}.") from error
    return HttpResponse(content, content_type=kind, headers={"Cache-Control": FOR_EVER})

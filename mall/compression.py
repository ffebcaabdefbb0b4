"""Compression of texts for the demo, which has no balancer that does it; Django's middleware hides secrets' lengths."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TEXTS = ("text/", "application/javascript", "application/json", "application/ld+json", "image/svg+xml")


class CompressionMiddleware(GZipMiddleware):
    """Compress whole answers that are text; pictures are compressed by nature."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress a text."""
        is_text = response.headers.get("Content-Type", "").startswith(TEXTS)
        if response.status_code != 200 or not is_text:
            return response
        return super().process_response(request, response)

"""The metrics of a process that serves no pages: on a port of its own, for holders of OPS_TOKEN.

Without a token they are served to this machine alone. A worker's tasks run in child processes, which write their
metrics to files (PROMETHEUS_MULTIPROC_DIR); the parent adds them up.
"""

from __future__ import annotations

import hmac
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.conf import settings
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


def registry() -> CollectorRegistry:
    """Return the metrics of this process, or of it and its children."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    whole = CollectorRegistry()
    MultiProcessCollector(whole)  # type: ignore[no-untyped-call]  # the package has no types there
    return whole


class Handler(BaseHTTPRequestHandler):
    """Answers GET /metrics."""

    def do_GET(self) -> None:
        """Send the metrics; 403 without the token."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        is_known = hmac.compare_digest(token.encode(), settings.OPS_TOKEN.encode())
        body = generate_latest(registry()) if is_known else b"This needs OPS_TOKEN as a bearer token.\n"
        self.send_response(200 if is_known else 403)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST if is_known else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing: a scrape is no event."""


def start(port: int) -> ThreadingHTTPServer:
    """Serve the metrics from a thread of their own."""
    server = ThreadingHTTPServer(("0.0.0.0" if settings.OPS_TOKEN else "127.0.0.1", port), Handler)  # noqa: S104 -- with a token
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server

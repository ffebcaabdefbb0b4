"""Probes and figures, answered in front of Django by the event loop itself: /healthz, /readyz, /metrics.

/healthz: the process answers. /readyz: 503 while the node drains, waits for migrations or is cut off from its parts,
else 200; degraded parts are named there, and are no reason to leave the balancer's pool (mall.dependencies). /metrics
asks for OPS_TOKEN as a bearer token. The balancer shows none of them outside. No thread is needed for a probe, so a
node whose threads all wait for something still says that it is there.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from pathlib import Path
from typing import Any

import prometheus_client
from django.conf import settings
from django.db import connections

from mall.dependencies import dependencies

DRAIN_FILE = Path("/tmp/drain")  # noqa: S108 -- a flag of the container's entrypoint, without content

type Answer = tuple[int, str, bytes]


class HealthEndpoints:
    """An ASGI application around another one."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        answer = await answer_to(scope) if scope["type"] == "http" else None
        if answer is None:
            await self.application(scope, receive, send)
            return
        status, content_type, body = answer
        headers = [(b"content-type", content_type.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def answer_to(scope: dict[str, Any]) -> Answer | None:
    """Return the answer to a request, or None where it is for the pages."""
    match scope["path"]:
        case "/healthz":
            return 200, "text/plain", b"ok"
        case "/readyz":
            return readiness()
        case "/metrics":
            return await metrics(scope)
    return None


def readiness() -> Answer:
    """Return whether this node answers pages, and the parts that it has to do without."""
    waits = "drain" if DRAIN_FILE.exists() else waits_for()
    said = {"ready": not waits, "waits_for": waits, "degraded": dict(dependencies.faults)}
    return 503 if waits else 200, "application/json", json.dumps(said).encode()


def waits_for() -> str:
    """Return the wait of a node before its next page; empty where it is ready.

    With the database away nothing is known of its migrations: such a node is ready to say "one moment".
    """
    if not dependencies.looked.is_set():
        return "first look"
    if dependencies.is_cut_off:
        return "network"
    return "migrations" if dependencies.is_migrated is False else ""


async def metrics(scope: dict[str, Any]) -> Answer:
    """Return the metrics of Prometheus; 403 without OPS_TOKEN as a bearer token."""
    given = dict(scope["headers"]).get(b"authorization", b"").removeprefix(b"Bearer ")
    if not settings.OPS_TOKEN or not hmac.compare_digest(given, settings.OPS_TOKEN.encode()):
        return 403, "text/plain", b"This needs OPS_TOKEN as a bearer token.\n"
    return 200, prometheus_client.CONTENT_TYPE_LATEST, await asyncio.to_thread(render_metrics)


def render_metrics() -> bytes:
    """Return the figures as text; a thread's connections are given back."""
    try:
        return prometheus_client.generate_latest()
    finally:
        connections.close_all()

"""Probes and metrics, served before the host is checked: /healthz, /readyz, /metrics.

/healthz checks the process only: a node need not restart because the database does. /readyz checks the dependencies of
a request. Both are refused from outside by the balancer; /metrics asks for OPS_TOKEN as a bearer token as well.
"""

import hmac
from collections.abc import Callable
from pathlib import Path

import prometheus_client
import redis
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

DRAIN_FILE = Path("/tmp/drain")  # noqa: S108 -- a flag of the container's entrypoint, without content
MIGRATED: set[str] = set()


class HealthMiddleware:
    """Serve the three paths on any host, before all other middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        match request.path_info:
            case "/healthz":
                return HttpResponse("ok", content_type="text/plain")
            case "/readyz":
                return readiness()
            case "/metrics":
                return metrics(request)
        return self.get_response(request)


def readiness() -> HttpResponse:
    """Return 200 where database, Redis and migrations are ready and the node is not draining; else 503 with faults."""
    checks = {"database": database_answers, "redis": redis_answers, "migrations": migrations_applied}
    if DRAIN_FILE.exists():
        return JsonResponse({"draining": True}, status=503)
    faults = {}
    for name, check in checks.items():
        try:
            check()
        except Exception as error:  # noqa: BLE001 -- any fault means "not ready", and the answer names it
            faults[name] = type(error).__name__
    return JsonResponse({"ready": not faults, "faults": faults}, status=503 if faults else 200)


def database_answers() -> None:
    """Raise an error of the database where it does not answer."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT 1")


def redis_answers() -> None:
    """Raise RedisError where Redis does not answer within half a second."""
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5) as client:
        client.ping()


def migrations_applied() -> None:
    """Raise RuntimeError where a migration is missing; success is cached, since a node's code does not change."""
    if "all" in MIGRATED:
        return
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError(f"{len(plan)} migrations are not applied; run manage.py migrate.")
    MIGRATED.add("all")


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of Prometheus; 403 without OPS_TOKEN as a bearer token."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.OPS_TOKEN or not hmac.compare_digest(token.encode(), settings.OPS_TOKEN.encode()):
        return HttpResponse("This needs OPS_TOKEN as a bearer token.\n", status=403, content_type="text/plain")
    return HttpResponse(prometheus_client.generate_latest(), content_type=prometheus_client.CONTENT_TYPE_LATEST)

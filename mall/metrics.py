"""Metrics for Prometheus, read at /metrics. A scrape asks no table: it costs the same at a million rows."""

from __future__ import annotations

import time
from collections import Counter as Counts
from collections.abc import Callable, Iterable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponseBase
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sessions_farm.stores.circuit_breaker import breakers

REQUESTS = Counter("mall_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("mall_request_seconds", "Seconds from request to answer.", ["route"])
ORDERS = Counter("mall_orders_placed", "Orders placed through this node.")
SOCKETS = Gauge("mall_sockets", "WebSockets that are open.")
QUEUED = Gauge("mall_queue_messages", "Messages that wait in a queue of the broker, as beat saw them.", ["queue"])

METHODS = {"GET", "HEAD", "POST", "OPTIONS"}  # a client may invent others, and each would be a time series of its own
NO_ROUTE = "none"


class MetricsMiddleware:
    """Count requests by method, route and status, and observe their seconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun = time.perf_counter()
        response = self.get_response(request)
        method = request.method if request.method in METHODS else "other"
        route = route_of(request)
        REQUESTS.labels(method, route, response.status_code).inc()
        SECONDS.labels(route).observe(time.perf_counter() - begun)
        return response


def route_of(request: HttpRequest) -> str:
    """Return the name of the URL pattern of a request: the project has so many, and clients cannot make more."""
    match = getattr(request, "resolver_match", None)
    return (match.view_name or match.route) if match else NO_ROUTE


class SocketMeter:
    """An ASGI application around another one: it counts the open WebSockets."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with SOCKETS.track_inprogress():
            await self._application(scope, receive, send)


class NodeCollector(Collector):
    """The database pool and the circuit breakers of this process."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return no metrics, since registering must not open a pool."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the gauges."""
        opened = GaugeMetricFamily("mall_circuit_breakers_open", "Circuit breakers that are open.", labels=["of"])
        counts = Counts({breaker.name: 0 for breaker in breakers()})
        counts.update(breaker.name for breaker in breakers() if breaker.is_open)
        for name, count in counts.items():
            opened.add_metric([name], count)
        yield opened
        pool = getattr(connections[DEFAULT_DB_ALIAS], "_connection_pools", {}).get(DEFAULT_DB_ALIAS)
        if pool is not None:
            found = pool.get_stats()
            gauge = GaugeMetricFamily(
                "mall_database_pool", "The pool of connections, by what it counts.", labels=["count"]
            )
            for name in ("pool_size", "pool_available", "requests_waiting", "requests_errors", "connections_errors"):
                gauge.add_metric([name], found.get(name, 0))
            yield gauge


REGISTRY.register(NodeCollector())

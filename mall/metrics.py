"""Metrics for Prometheus, read at /metrics."""

import time
from collections.abc import Callable, Iterable

from django.db import DatabaseError
from django.db.models import Count
from django.http import HttpRequest, HttpResponseBase
from prometheus_client import REGISTRY, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from shipping.models import Dispatch

REQUESTS = Counter("mall_requests", "Requests answered.", ["method", "status"])
SECONDS = Histogram("mall_request_seconds", "Seconds from request to answer.")
ORDERS = Counter("mall_orders_placed", "Orders placed through this node.")

METHODS = {"GET", "HEAD", "POST", "OPTIONS"}  # a client may invent others, and each would be a time series of its own


class MetricsMiddleware:
    """Count requests by method and status, and observe their seconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun = time.perf_counter()
        response = self.get_response(request)
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, response.status_code).inc()
        SECONDS.observe(time.perf_counter() - begun)
        return response


class OutboxCollector(Collector):
    """The number of dispatches by state, read from the database at each scrape."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return no metrics, since registering must not query."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the gauge; nothing where the database does not answer."""
        gauge = GaugeMetricFamily("mall_dispatches", "Dispatches by state.", labels=["state"])
        try:
            rows = list(Dispatch.objects.order_by().values_list("state").annotate(rows=Count("pk")))
        except DatabaseError:
            return  # the node's own metrics are needed most when the database is away
        for state, count in rows:
            gauge.add_metric([state], count)
        yield gauge


REGISTRY.register(OutboxCollector())

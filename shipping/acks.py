"""Fetching the acknowledgements that departments leave on their own servers."""

from __future__ import annotations

from datetime import datetime

import structlog

from shipping import services
from shipping.claim import database_now
from shipping.models import Dispatch, Route
from shipping.states import State
from shipping.transports.contract import AckSource, Endpoint, Shipment, TransportError
from shipping.transports.sftp import Sftp

log = structlog.get_logger(__name__)

SOURCES: dict[str, AckSource] = {"sftp": Sftp()}
AT_ONCE = 500


def collect(*, now: datetime | None = None) -> int:
    """Look at each department that keeps acknowledgements for us and owes some; returns how many it had."""
    moment = now or database_now()
    waiting = Dispatch.objects.filter(state=State.SENT, route__transport__in=SOURCES)
    routes = Route.objects.filter(
        pk__in=waiting.values("route"), state=Route.State.ENABLED, open_until=None
    ).select_related("department")
    return sum(_collect_from(route, moment) for route in routes)


def _collect_from(route: Route, now: datetime) -> int:
    sent = Dispatch.objects.filter(route=route, state=State.SENT).order_by("first_sent_at")[:AT_ONCE]
    shipments = [Shipment(key=row.key, body=b"", sha256=row.sha256, attempt=row.fence) for row in sent.defer("body")]
    try:
        keys = SOURCES[route.transport].acked(shipments, Endpoint(route.config, route.secrets))
    except TransportError as error:
        log.warning("acks_not_fetched", route=route.pk, reason=str(error))
        return 0
    for key in keys:
        services.record_ack(vendor_id=route.department.vendor_id, ack_id=key, key=key, source="file", now=now)
    return len(keys)

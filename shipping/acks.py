"""Fetch the acknowledgements that departments leave on their own servers."""

from __future__ import annotations

import logging
from datetime import datetime

from shipping import services
from shipping.claim import database_now
from shipping.models import Dispatch, Route
from shipping.states import State
from shipping.transports.base import AckSource, DispatchPayload, Endpoint, TransportError
from shipping.transports.sftp import SftpTransport

logger = logging.getLogger(__name__)

SOURCES: dict[str, AckSource] = {"sftp": SftpTransport()}
BATCH = 500


def collect(*, now: datetime | None = None) -> int:
    """Fetch the acknowledgements of all departments that owe some; return how many were found."""
    moment = now or database_now()
    waiting = Dispatch.objects.filter(state=State.SENT, route__transport__in=SOURCES)
    routes = Route.objects.filter(
        pk__in=waiting.values("route"), state=Route.State.ENABLED, open_until=None
    ).select_related("department")
    return sum(_collect_from(route, moment) for route in routes)


def _collect_from(route: Route, now: datetime) -> int:
    sent = Dispatch.objects.filter(route=route, state=State.SENT).order_by("first_sent_at")[:BATCH]
    payloads = [
        DispatchPayload(key=row.key, body=b"", sha256=row.sha256, attempt=row.fence) for row in sent.defer("body")
    ]
    try:
        keys = SOURCES[route.transport].fetch_acks(payloads, Endpoint(route.config, route.secrets))
    except TransportError as error:
        logger.warning("The acknowledgements of route %s were not fetched: %s", route.pk, error)
        return 0
    for key in keys:
        services.record_ack(vendor_id=route.department.vendor_id, ack_id=key, key=key, source="file", now=now)
    return len(keys)

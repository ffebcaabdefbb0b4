"""Working the outbox: claim what is due, send it, write down how it ended.

Only this thread touches the database; sending happens in threads that do nothing else, each with one shipment.
So a department that hangs holds at most its own few threads, and no transaction is open while anybody waits.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from cryptography.fernet import InvalidToken
from django.conf import settings

from shipping import claim as claims
from shipping import results, services
from shipping.ack_links import ack_url
from shipping.claim import LEASE, Claim, database_now
from shipping.models import Route
from shipping.transports.contract import Endpoint, Evidence, Shipment, Transport, TransportError
from shipping.transports.email import Email
from shipping.transports.http import Http
from shipping.transports.sftp import Sftp

log = structlog.get_logger(__name__)

TRANSPORTS: dict[str, Transport] = {"http": Http(), "email": Email(), "sftp": Sftp()}

SLOTS = 16
BUDGET = timedelta(seconds=30)

type Sending = Future[Evidence | TransportError]


def drain(*, now: datetime | None = None, lease: timedelta = LEASE, budget: timedelta = BUDGET) -> Counter[str]:
    """Work what is due until nothing is, or until ``budget`` is used up; returns how many ended how.

    ``now=None`` reads the database's clock at each step, so all nodes agree; a simulation passes its own.
    """
    work = Work(clock=database_now if now is None else lambda: now, lease=lease)
    services.adopt_routeless(now=work.clock())
    closes = time.monotonic() + budget.total_seconds()
    with ThreadPoolExecutor(SLOTS, thread_name_prefix="shipping") as pool:
        while True:
            if time.monotonic() < closes:
                work.begin(pool)
            if not work.under_way:
                return work.ended
            work.finish()


@dataclass
class Work:
    """What one run of the drain has in hand."""

    clock: Callable[[], datetime]
    lease: timedelta
    under_way: dict[Sending, tuple[Claim, datetime]] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)

    def begin(self, pool: ThreadPoolExecutor) -> None:
        """Claim as much as there are free slots for: what is claimed must start at once, its lease is running."""
        for claim in self.claimed(self.clock()):
            shipment = _shipment(claim)
            self.under_way[pool.submit(send, claim.route, shipment)] = (claim, self.clock())

    def claimed(self, now: datetime) -> Iterator[Claim]:
        for route_id in list(Route.objects.with_due_work(now).values_list("pk", flat=True)):
            free = SLOTS - len(self.under_way)
            if free <= 0:
                return
            yield from claims.claim(route_id=route_id, limit=free, now=now, owner=_owner(), lease=self.lease)

    def finish(self) -> None:
        """Wait for the first to end, and a moment at most, so that new work of other routes can begin."""
        done, _ = wait(self.under_way, timeout=1, return_when=FIRST_COMPLETED)
        for sending in done:
            claim, started = self.under_way.pop(sending)
            outcome = results.record(claim=claim, result=sending.result(), started=started, now=self.clock())
            self.ended[outcome.value] += 1


def send(route: Route, shipment: Shipment) -> Evidence | TransportError:
    """Carry one shipment over; whatever goes wrong is a result, never an exception. Runs in a thread of its own."""
    try:
        endpoint = Endpoint(route.config, route.secrets)
        return TRANSPORTS[route.transport].send(shipment, endpoint)
    except TransportError as error:
        return error
    except InvalidToken:
        return TransportError("No SECRET_KEY of the settings opens this route's secrets; enter them anew.", hold=True)
    except Exception as error:
        log.exception("transport_failed_unexpectedly", key=shipment.key)
        return TransportError(f"{type(error).__name__}: {error}", code="bug")


def _shipment(claim: Claim) -> Shipment:
    dispatch = claim.dispatch
    return Shipment(
        key=dispatch.key,
        body=bytes(dispatch.body),
        sha256=dispatch.sha256,
        attempt=dispatch.fence,
        resend=dispatch.first_sent_at is not None,
        ack_url=ack_url(dispatch) if claim.route.transport == Route.Transport.EMAIL else "",
    )


def _owner() -> str:
    return f"{settings.NODE or socket.gethostname()}:{os.getpid()}:{threading.get_ident() % 100_000}"

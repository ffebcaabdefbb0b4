"""Drain the outbox: claim due dispatches, send them, record the results.

Only the calling thread uses the database; worker threads do nothing but send, each one payload. So a department that
hangs holds at most its own few threads, and no transaction is open during network waits.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from django.conf import settings

from shipping import claim as claims
from shipping import results, services
from shipping.ack_links import ack_url
from shipping.claim import LEASE, Claim, database_now
from shipping.models import Route
from shipping.transports.base import DispatchPayload, Endpoint, SendResult, Transport, TransportError
from shipping.transports.email import EmailTransport
from shipping.transports.http import HttpTransport
from shipping.transports.sftp import SftpTransport

logger = logging.getLogger(__name__)

TRANSPORTS: dict[str, Transport] = {"http": HttpTransport(), "email": EmailTransport(), "sftp": SftpTransport()}

SLOTS = 16
BUDGET = timedelta(seconds=30)

type Sending = Future[SendResult | TransportError]


def drain(*, now: datetime | None = None, lease: timedelta = LEASE, budget: timedelta = BUDGET) -> Counter[str]:
    """Send due dispatches until none is due or ``budget`` is used up; return the number of attempts by outcome.

    ``now=None`` reads the database's clock at each step, so all nodes agree; a simulation passes its own.
    """
    run = DrainRun(clock=database_now if now is None else lambda: now, lease=lease)
    services.assign_missing_routes(now=run.clock())
    deadline = time.monotonic() + budget.total_seconds()
    with ThreadPoolExecutor(SLOTS, thread_name_prefix="shipping") as pool:
        while True:
            if time.monotonic() < deadline:
                run.start_due(pool)
            if not run.in_flight:
                return run.outcomes
            run.record_finished()


@dataclass
class DrainRun:
    """One run of the drain: the attempts in flight and the outcomes so far."""

    clock: Callable[[], datetime]
    lease: timedelta
    in_flight: dict[Sending, tuple[Claim, datetime]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)

    def start_due(self, pool: ThreadPoolExecutor) -> None:
        """Claim no more dispatches than there are free slots and start them at once, since their leases are running."""
        for claim in self.claim_due(self.clock()):
            payload = _payload_of(claim)
            self.in_flight[pool.submit(send, claim.route, payload)] = (claim, self.clock())

    def claim_due(self, now: datetime) -> Iterator[Claim]:
        """Yield claims of all routes with due work, up to the number of free slots."""
        for route_id in list(Route.objects.with_due_work(now).values_list("pk", flat=True)):
            free = SLOTS - len(self.in_flight)
            if free <= 0:
                return
            yield from claims.claim(route_id=route_id, limit=free, now=now, owner=_owner(), lease=self.lease)

    def record_finished(self) -> None:
        """Record finished attempts; wait at most a second for one, so that new work of other routes can start."""
        done, _ = wait(self.in_flight, timeout=1, return_when=FIRST_COMPLETED)
        for sending in done:
            claim, started = self.in_flight.pop(sending)
            outcome = results.record(claim=claim, result=sending.result(), started=started, now=self.clock())
            self.outcomes[outcome.value] += 1


def send(route: Route, payload: DispatchPayload) -> SendResult | TransportError:
    """Send one payload and return the result or the error, never raise. Runs in a thread of its own."""
    try:
        endpoint = Endpoint(route.config, route.secrets)
        return TRANSPORTS[route.transport].send(payload, endpoint)
    except TransportError as error:
        return error
    except InvalidToken:
        return TransportError("No SECRET_KEY of the settings opens this route's secrets; enter them anew.", hold=True)
    except Exception as error:
        logger.exception("A transport failed unexpectedly; dispatch %s will be tried again.", payload.key)
        return TransportError(f"{type(error).__name__}: {error}", code="bug")


def _payload_of(claim: Claim) -> DispatchPayload:
    dispatch = claim.dispatch
    return DispatchPayload(
        key=dispatch.key,
        body=bytes(dispatch.body),
        sha256=dispatch.sha256,
        attempt=dispatch.fence,
        resend=dispatch.first_sent_at is not None,
        ack_url=ack_url(dispatch) if claim.route.transport == Route.Transport.EMAIL else "",
    )


def _owner() -> str:
    return f"{settings.NODE or socket.gethostname()}:{os.getpid()}:{threading.get_ident() % 100_000}"

"""The runner of the outbox: claims due work, sends it, records the results.

The rows are read and written in one thread; an event loop in another does nothing but talk to departments, so that one
that hangs holds a slot and no thread, and no transaction is open during network waits. Each send ends at its
transport's deadline, whatever the other side does.

Fairness: a route that fails, or has never worked, gets one slot; routes that fail share a few slots of their own; and a
send that lasts long gives its slot to others while it goes on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from asgiref.sync import async_to_sync, sync_to_async
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from shipping import claim as claims
from shipping import diagnosis, metrics, packing_slips, results, routing
from shipping.ack_links import ack_url
from shipping.claim import LEASE, Claim, Look, Room, database_now
from shipping.models import Route
from shipping.results import Finished
from shipping.signing_keys import open_keys
from shipping.transports import get_push_transport, get_transport
from shipping.transports.base import (
    CollectingTransport,
    DispatchPayload,
    Endpoint,
    FoundAck,
    PullTransport,
    PushTransport,
    SendResult,
    TransportError,
)

logger = logging.getLogger(__name__)

SLOTS = 128
"""Sends to working routes at once."""
TROUBLED_SLOTS = 16
"""Sends to failing routes, and sends that last long, before no more of the former begin."""
MOST = 512
"""Sends of all kinds at once."""
SLOW = 1.0
"""Seconds after which a send counts among those of failing routes."""
BUDGET = timedelta(seconds=30)
"""How long a drain claims work; it ends when its last send does."""
GRACE = 1.0
"""Seconds beyond its deadline that a send has to close its connection, before it is left to itself."""
SWITCH_SECONDS = 0.0005
"""How long a thread of a runner keeps the interpreter; with Python's 5 ms each answer of the database waits."""
POLL = 0.25
"""Seconds between two looks at the outbox."""
GATHER = 0.005
"""Seconds in which the ends of sends gather: a transaction costs about as much for ten of them as for one."""
UPKEEP = 5.0
"""Seconds between two looks for dispatches that need a route."""

LOOKS_EVERY = 1.0
"""Seconds between two searches for routes whose acknowledgements are due."""

type Clock = Callable[[], datetime]
type Result = SendResult | list[FoundAck] | TransportError


@dataclass(eq=False)
class Work:
    """A claim or a look that is under way."""

    item: Claim | Look
    started: datetime
    ack_url: str = ""
    slip: Callable[[], bytes] | None = None
    since: float = field(default_factory=time.monotonic)
    task: asyncio.Task[None] | None = None

    def is_troubled(self, now: float) -> bool:
        """Return True where the work counts among that of the troubled routes."""
        return self.item.route.failures > 0 or now - self.since > SLOW


type WorkResult = tuple[Work, Result]


@dataclass(frozen=True, slots=True)
class Turn:
    """The work of one transaction: how many ends it recorded, their outcomes, and its claims."""

    recorded: int
    outcomes: Counter[str]
    started: list[Work]


def drain(*, now: datetime | None = None, lease: timedelta = LEASE, budget: timedelta = BUDGET) -> Counter[str]:
    """Send due dispatches until none is due or ``budget`` is used up; return the number of attempts by outcome.

    ``now=None`` reads the database's clock at each step, so all nodes agree; a simulation passes its own.
    """
    runner = Runner(clock=database_now if now is None else lambda: now, lease=lease)
    ends = time.monotonic() + budget.total_seconds()
    async_to_sync(runner.run)(may_claim=lambda: time.monotonic() < ends)
    return runner.outcomes


@dataclass(eq=False)
class Runner:
    """The work under way, the results to be recorded, and the outcomes so far."""

    clock: Clock = database_now
    lease: timedelta = LEASE
    outcomes: Counter[str] = field(default_factory=Counter)
    working: set[Work] = field(default_factory=set)
    ended: list[WorkResult] = field(default_factory=list)
    transports: dict[str, PushTransport] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"{settings.NODE or socket.gethostname()}:{os.getpid()}")
    on_upkeep: Callable[[datetime], None] = lambda _: None
    renewed: float = float("-inf")
    upkept: float = float("-inf")
    looked: float = float("-inf")
    turns: int = 0  # also those that the database did not take: it grows as long as the runner does not hang

    async def run(self, *, may_claim: Callable[[], bool]) -> None:
        """Work until nothing is due and nothing under way."""
        self.changed = asyncio.Event()
        try:
            while await self.turn(claiming=may_claim()):
                await self.wait(POLL)
        finally:
            await self.close()

    async def run_forever(self, *, stopped: Callable[[], bool], idle: Callable[[float], None]) -> None:
        """Work until ``stopped``; survive the database's absence. ``idle`` waits for work, where none is under way."""
        self.changed = asyncio.Event()
        try:
            while not stopped() or self.working or self.ended:
                self.turns += 1
                try:
                    if await self.turn(claiming=not stopped()):
                        await self.wait(POLL)
                    else:
                        await in_database(idle, POLL)
                except (OperationalError, InterfaceError) as error:
                    metrics.DATABASE_AWAY.inc()
                    logger.warning("The database is away; the sends under way go on: %s", error)
                    await in_database(close_old_connections)
                    await asyncio.sleep(1)
        finally:
            await self.close()

    async def turn(self, *, claiming: bool) -> bool:
        """Record the ends, renew the leases, start due work; return False where nothing is under way."""
        self.changed.clear()
        # Copies, for sends end while the other thread looks at them.
        turn = await in_database(self._turn, tuple(self.ended), tuple(self.working), claiming=claiming)
        self.ended = self.ended[turn.recorded :]  # only now: where the database is away, they are recorded later
        self.outcomes.update(turn.outcomes)
        for outcome, count in turn.outcomes.items():
            metrics.ATTEMPTS.labels(outcome).inc(count)
        for work in turn.started:
            self.working.add(work)
            work.task = asyncio.create_task(self._do(work))
        metrics.UNDER_WAY.set(len(self.working))
        return bool(self.working or self.ended)

    async def wait(self, seconds: float) -> None:
        """Wait for the end of any work under way, and a moment for more of them."""
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER)

    async def close(self) -> None:
        """Close the connections that were kept open."""
        for transport in self.transports.values():
            await transport.close()
        await asyncio.sleep(0)  # what was closed lets go of its socket in the loop's next turn

    def _turn(self, ended: Sequence[WorkResult], working: Sequence[Work], *, claiming: bool) -> Turn:
        now = self.clock()
        if claiming and time.monotonic() - self.upkept > UPKEEP:
            routing.assign_missing_routes(now=now)
            routing.fail_over(now=now)
            routing.update_windows(now=now)
            self.on_upkeep(now)
            self.upkept = time.monotonic()
        return self._record_and_claim(ended, working, now, claiming=claiming)

    @transaction.atomic
    def _record_and_claim(
        self, ended: Sequence[WorkResult], working: Sequence[Work], now: datetime, *, claiming: bool
    ) -> Turn:
        """Do it in one transaction: a round trip costs more than a row."""
        outcomes = _record(ended, now)
        self._renew(working, now)
        if not claiming:
            return Turn(len(ended), outcomes, [])
        taken: list[Claim | Look] = [
            *claims.claim(room=_room(working, 0), now=now, owner=self.name, lease=self.lease),
        ]
        if time.monotonic() - self.looked > LOOKS_EVERY or not (working or taken):
            taken += claims.claim_looks(room=_room(working, len(taken)), now=now)
            self.looked = time.monotonic()
        slips = packing_slips.of_claims([item for item in taken if isinstance(item, Claim)])
        works = [Work(item, now, _ack_url(item), slips.get(id(item))) for item in taken]
        return Turn(len(ended), outcomes, works)

    def _renew(self, working: Sequence[Work], now: datetime) -> None:
        if time.monotonic() - self.renewed > self.lease.total_seconds() / 3:
            sending = [work.item for work in working if isinstance(work.item, Claim)]
            claims.renew(claims=sending, until=now + self.lease)
            self.renewed = time.monotonic()

    async def _do(self, work: Work) -> None:
        transport = self._transport(work.item.route)
        try:
            result: Result = await bounded(_talk(work, transport), transport.deadline)
        except TransportError as error:
            result = error
        except InvalidToken:
            result = TransportError(
                "No SECRET_KEY of the settings opens this route's secrets; enter them anew.", hold=True
            )
        except Exception as error:
            logger.exception("A transport failed unexpectedly; route %s will be tried again.", work.item.route.pk)
            result = TransportError(f"{type(error).__name__}: {error}", code="bug")
        self.working.discard(work)
        self.ended.append((work, result))
        self.changed.set()

    def _transport(self, route: Route) -> PushTransport:
        if route.transport not in self.transports:
            self.transports[route.transport] = get_push_transport(route.transport)()
        return self.transports[route.transport]


def _room(working: Sequence[Work], taken: int) -> Room:
    """Return the free slots, once ``taken`` items more are claimed."""
    now = time.monotonic()
    troubled = sum(work.is_troubled(now) for work in working)
    left = MOST - len(working) - taken
    healthy = SLOTS - (len(working) - troubled) - taken
    return Room(min(healthy, left), min(TROUBLED_SLOTS - troubled, left))


def _record(ended: Sequence[WorkResult], now: datetime) -> Counter[str]:
    """Record the ends; return their outcomes."""
    sends = [
        Finished(work.item, result, work.started, now)
        for work, result in ended
        if isinstance(work.item, Claim) and not isinstance(result, list)
    ]
    outcomes = Counter(outcome.value for outcome in results.record(sends, now))
    for work, result in ended:
        if isinstance(work.item, Look) and not isinstance(result, SendResult):
            outcomes["collected"] += results.record_look(work.item, result, now)
    return +outcomes


def try_out(routes: Sequence[Route]) -> list[str]:
    """Send a test over each route, all at once; return in plain words how each went."""
    return async_to_sync(_try_all)(routes)


async def _try_all(routes: Sequence[Route]) -> list[str]:
    return await asyncio.gather(*map(_try_one, routes))


async def _try_one(route: Route) -> str:
    if issubclass(get_transport(route.transport), PullTransport):
        return "Nothing is sent over it: the department’s program comes for its orders, and “last taken” says when."
    transport = get_push_transport(route.transport)()
    try:
        return await bounded(transport.try_out(endpoint_of(route)), transport.deadline)
    except (TransportError, InvalidToken) as error:
        return f"It failed. {diagnosis.explain(error)}"
    finally:
        await transport.close()
        await asyncio.sleep(0)


async def _talk(work: Work, transport: PushTransport) -> SendResult | list[FoundAck]:
    endpoint = endpoint_of(work.item.route)
    if isinstance(work.item, Look):
        return await cast("CollectingTransport", transport).collect(work.item.sent, endpoint)  # no look without one
    return await transport.send(payload_of(work.item, work.ack_url, work.slip), endpoint)


async def in_database[**P, R](call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a call that uses the database in the one thread that may."""
    return await sync_to_async(call, thread_sensitive=True)(*args, **kwargs)


async def bounded[R](work: Awaitable[R], deadline: timedelta) -> R:
    """Await work up to a deadline, then raise TransportError, even where the work does not end when cancelled."""
    seconds = deadline.total_seconds()
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if done:
        return task.result()
    task.cancel()
    await asyncio.wait({task}, timeout=GRACE)
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    raise TransportError(f"Not done within {seconds:.0f} seconds.", code="timeout")


def _ack_url(item: Claim | Look) -> str:
    """Return the link of the page on which a person acknowledges; empty for transports that send none."""
    if isinstance(item, Look) or not get_push_transport(item.route.transport).links_ack_page:
        return ""
    return ack_url(item.dispatch.key, item.community_id)


def payload_of(claim: Claim, link: str, slip: Callable[[], bytes] | None = None) -> DispatchPayload:
    """Return a claim's dispatch as its transport sends it."""
    dispatch = claim.dispatch
    return DispatchPayload(
        key=dispatch.key,
        body=bytes(dispatch.body),
        sha256=dispatch.sha256,
        attempt=dispatch.fence,
        resend=dispatch.first_sent_at is not None,
        ack_url=link,
        slip=slip,
    )


def endpoint_of(route: Route) -> Endpoint:
    """Return the department's end of a route that was read with its keys."""
    return Endpoint(route.config, route.secrets, open_keys(route.signing_keys), route.acknowledged_by)

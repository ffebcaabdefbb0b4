"""Record how attempts ended, a batch at a time, each while its claim still holds."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from shipping import batches, retry, services
from shipping.claim import Claim, Look
from shipping.models import Ack, Attempt, Dispatch, Route
from shipping.states import State
from shipping.transports import get_transport
from shipping.transports.base import RESPONSE_MAX, AckPolicy, FoundAck, SendResult, TransportError

logger = logging.getLogger(__name__)

COLUMNS = {
    "state": "text",
    "next_at": "timestamptz",
    "spent": "int",
    "sends": "int",
    "refusals": "int",
    "first_refused_at": "timestamptz",
    "first_sent_at": "timestamptz",
    "acked_at": "timestamptz",
    "ack_by": "text",
    "reason": "text",
}
"""The columns that a result may change, with their types."""

STILL_HELD = """
SELECT dispatch.id FROM shipping_dispatch AS dispatch
JOIN unnest(%s::bigint[], %s::int[]) AS held (id, fence) ON dispatch.id = held.id AND dispatch.fence = held.fence
WHERE dispatch.state = %s
ORDER BY dispatch.id
FOR NO KEY UPDATE OF dispatch
"""
LOCK_ROUTES = "SELECT * FROM shipping_route WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"

NO_ACKS = (
    "It takes all and acknowledges nothing. Is the address right? If any answer is enough, choose so on the route."
)

HEALTH = {
    "failures": "int",
    "failing_since": "timestamptz",
    "open_until": "timestamptz",
    "last_ok_at": "timestamptz",
    "last_ack_at": "timestamptz",
    "reason": "text",
    "state": "text",
    "alarmed_at": "timestamptz",
}
"""The columns of a route that results judge, with their types."""

ATTEMPT = {
    "dispatch_id": "bigint",
    "number": "int",
    "route_id": "bigint",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "outcome": "text",
    "code": "text",
    "response": "text",
    "worker": "text",
}
ACK = {
    "vendor_id": "bigint",
    "ack_id": "text",
    "dispatch_id": "bigint",
    "source": "text",
    "received_at": "timestamptz",
    "outcome": "text",
}


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt that has ended."""

    claim: Claim
    result: SendResult | TransportError
    started: datetime
    ended: datetime


@transaction.atomic(savepoint=False)
def record(finished: Sequence[Finished], now: datetime) -> list[Attempt.Outcome]:
    """Write the attempts, and those dispatches and routes whose id and fence still match; return the outcomes.

    Locks the routes first, as a claim does, and dispatches in the order of their ids, so that nothing deadlocks.
    """
    if not finished:
        return []
    batch = Batch(now, _locked_routes({each.claim.route.pk for each in finished}))
    held = _still_held([each.claim.dispatch for each in finished])
    outcomes = [batch.apply(each) if each.claim.dispatch.pk in held else Attempt.Outcome.LATE for each in finished]
    batch.write()
    batches.insert("shipping_attempt", ATTEMPT, list(map(_attempt, finished, outcomes)))
    return outcomes


def _locked_routes(ids: Iterable[int]) -> dict[int, Route]:
    return {route.pk: route for route in Route.objects.raw(LOCK_ROUTES, [list(ids)])}


def _still_held(dispatches: list[Dispatch]) -> set[int]:
    ids, fences = [dispatch.pk for dispatch in dispatches], [dispatch.fence for dispatch in dispatches]
    with connection.cursor() as cursor:
        cursor.execute(STILL_HELD, [ids, fences, State.SENDING])
        return {row[0] for row in cursor.fetchall()}


def _attempt(finished: Finished, outcome: Attempt.Outcome) -> Attempt:
    claim, result = finished.claim, finished.result
    response = result.response if isinstance(result, SendResult) else str(result)
    return Attempt(
        dispatch=claim.dispatch,
        number=claim.dispatch.fence,
        route=claim.route,
        started_at=finished.started,
        ended_at=finished.ended,
        outcome=outcome,
        code=_storable(result.code)[:20],
        response=_storable(response)[:RESPONSE_MAX],
        worker=claim.dispatch.lease_owner,
    )


def _storable(text: str) -> str:
    """Return text that PostgreSQL takes: without NUL and lone surrogates, which a department may send."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


class Batch:
    """The changes of one batch of results: dispatches and acknowledgements, and the routes they judge."""

    def __init__(self, now: datetime, routes: dict[int, Route]) -> None:
        self.now = now
        self.routes = routes
        self.before = {pk: _health(route) for pk, route in routes.items()}
        self.dispatches: list[Dispatch] = []
        self.acks: list[Ack] = []

    def apply(self, finished: Finished) -> Attempt.Outcome:
        """Change the dispatch and its route by a result; return the attempt's outcome."""
        # A copy, for the transaction may fail, and all of this be done again.
        dispatch, result = copy.copy(finished.claim.dispatch), finished.result
        route = self.routes[finished.claim.route.pk]
        self.dispatches.append(dispatch)
        if isinstance(result, SendResult):
            self._succeed(dispatch, route, result, finished.claim.vendor_id)
            return Attempt.Outcome.ACKED if dispatch.state == State.ACKED else Attempt.Outcome.SENT
        dispatch.reason = _storable(str(result))[:300]
        if result.hold:
            self._hold(dispatch, route, dispatch.reason)
        else:
            self._fail(dispatch, route, result, probe=finished.claim.probe)
        return Attempt.Outcome.REFUSED if result.permanent else Attempt.Outcome.RETRY

    def write(self) -> None:
        """Write the changes: one statement a table, and two more where a route begins or ends to hold."""
        batches.update("shipping_dispatch", COLUMNS, self.dispatches)
        batches.insert("shipping_ack", ACK, self.acks)
        changed = [route for pk, route in self.routes.items() if _health(route) != self.before[pk]]
        batches.update("shipping_route", HEALTH, changed)
        for route in changed:
            self._hold_or_release(route)

    def _succeed(self, dispatch: Dispatch, route: Route, result: SendResult, vendor_id: int) -> None:
        dispatch.first_sent_at = dispatch.first_sent_at or self.now
        dispatch.state, dispatch.reason, dispatch.sends = State.SENT, "", dispatch.sends + 1
        dispatch.next_at = self.now + retry.with_jitter(get_transport(route.transport).ack_timeout)
        close_breaker(route, self.now)
        is_replay = dispatch.acked_at is not None
        if result.acked or is_replay or route.acknowledged_by == AckPolicy.ANSWER:
            ack = services.mark_acked(
                dispatch=dispatch,
                vendor_id=vendor_id,
                ack_id=dispatch.key,
                source="response",
                now=self.now,
                outcome=result.outcome,
            )
            self.acks.append(ack)
            route.last_ack_at = self.now
        elif dispatch.sends >= get_transport(route.transport).most_sends:
            self._give_up_waiting(dispatch, route)

    def _give_up_waiting(self, dispatch: Dispatch, route: Route) -> None:
        """Give up a dispatch that others overtook; hold a route whose server has acknowledged nothing meanwhile."""
        if route.acknowledged_by == AckPolicy.JSON and not _since(route.last_ack_at, dispatch.first_sent_at):
            self._hold(dispatch, route, NO_ACKS)
        else:
            _mark_dead(dispatch, f"Sent {dispatch.sends} times and never acknowledged; ask the department.")

    def _hold(self, dispatch: Dispatch, route: Route, reason: str) -> None:
        """Hold a route whose settings are wrong, with its dispatches, until a person has looked."""
        logger.error("Route %s is held: %s", route.pk, reason)
        route.state, route.reason = Route.State.HELD, reason
        dispatch.state, dispatch.next_at, dispatch.reason, dispatch.sends = State.HELD, self.now, reason, 0

    def _fail(self, dispatch: Dispatch, route: Route, error: TransportError, *, probe: bool) -> None:
        alone = False
        if error.permanent:
            dispatch.refusals += 1
            dispatch.first_refused_at = dispatch.first_refused_at or self.now
            alone = _since(route.last_ok_at, dispatch.first_refused_at)
        if not alone:  # a refusal of everything is the route's
            count_failure(route, dispatch.reason, probe=probe, now=self.now)
        if probe and not error.permanent:
            dispatch.state, dispatch.next_at = State.HELD, route.open_until
            return
        dispatch.spent += not probe
        if alone and dispatch.refusals > len(retry.REFUSED_DELAYS):
            _mark_dead(dispatch, dispatch.reason)
            return
        refused = min(dispatch.refusals, len(retry.REFUSED_DELAYS)) if error.permanent else 0
        at = retry.next_try(spent=dispatch.spent, refused=refused, now=self.now, retry_after=error.retry_after)
        if at is None:
            _mark_dead(dispatch, dispatch.reason)
        else:
            dispatch.state, dispatch.next_at = State.READY, at

    def _hold_or_release(self, route: Route) -> None:
        """Hold the waiting dispatches of a route that is held or has opened; release them where it works."""
        _, _, was_open, *_ = self.before[route.pk]
        if route.state == Route.State.HELD:
            _waiting(route).exclude(state=State.HELD).update(state=State.HELD)
        elif route.open_until is not None:
            # One that was refused keeps its time: it must not be the next probe too, and hide that others are taken.
            _waiting(route).filter(refusals=0, next_at__gt=route.open_until).update(next_at=route.open_until)
            _waiting(route).exclude(state=State.HELD).update(state=State.HELD)
        elif was_open is not None:
            services.release_held(route=route, now=self.now)


def _since(at: datetime | None, start: datetime | None) -> bool:
    return at is not None and start is not None and at >= start


def _health(route: Route) -> tuple[object, ...]:
    return tuple(getattr(route, name) for name in HEALTH)


def _mark_dead(dispatch: Dispatch, reason: str) -> None:
    dispatch.state, dispatch.next_at, dispatch.reason = State.DEAD, None, reason[:300]
    logger.error("Dispatch %s was given up: %s", dispatch.key, dispatch.reason)


def close_breaker(route: Route, now: datetime) -> None:
    """Note that a route works."""
    route.failures, route.failing_since, route.open_until, route.last_ok_at, route.reason = 0, None, None, now, ""
    route.alarmed_at = None


def count_failure(route: Route, reason: str, *, probe: bool, now: datetime) -> None:
    """Count a failure; attempts in flight when the circuit breaker opened do not count again."""
    if route.open_until is not None and not probe:
        return
    breaker = retry.after_failure(retry.BreakerState(route.failures, route.failing_since, route.open_until), now)
    route.failures, route.failing_since, route.open_until = breaker.failures, breaker.failing_since, breaker.open_until
    route.reason = reason


@transaction.atomic(savepoint=False)
def record_look(look: Look, result: list[FoundAck] | TransportError, now: datetime) -> int:
    """Record the acknowledgements that a look found, and judge the route by it; return their number."""
    batch = Batch(now, _locked_routes({look.route.pk}))
    route = batch.routes[look.route.pk]
    route.acks_due_at = now + retry.with_jitter(retry.ACKS_EVERY)
    found = 0
    if isinstance(result, TransportError):
        logger.warning("The acknowledgements of route %s were not fetched: %s", route.pk, result)
        _judge_failed_look(route, result, now)
    else:
        route.last_ack_at = now if result else route.last_ack_at
        found = services.record_acks(vendor_id=look.vendor_id, acks=result, source="file", now=now)
        route.acks_after = look.last_id
        if look.last_id:
            route.acks_due_at = now
        if route.open_until is not None and not _waiting(route).exists():
            close_breaker(route, now)  # nothing else would probe it
    Route.objects.filter(pk=route.pk).update(acks_due_at=route.acks_due_at, acks_after=route.acks_after)
    batch.write()
    return found


def _judge_failed_look(route: Route, error: TransportError, now: datetime) -> None:
    if error.hold:
        route.state, route.reason = Route.State.HELD, _storable(str(error))[:300]
    else:
        count_failure(route, _storable(str(error))[:300], probe=route.open_until is not None, now=now)


def _waiting(route: Route) -> QuerySet[Dispatch]:
    return Dispatch.objects.filter(route=route, state__in=(State.READY, State.HELD))

"""Record how an attempt ended, while its claim still holds."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least

from shipping import retry, services
from shipping.claim import Claim
from shipping.models import Attempt, Dispatch, Route
from shipping.states import State
from shipping.transports.base import RESPONSE_MAX, SendResult, TransportError

logger = logging.getLogger(__name__)

MUTABLE = ("state", "next_at", "lease_until", "spent", "first_sent_at", "acked_at", "ack_by", "reason")


@transaction.atomic
def record(*, claim: Claim, result: SendResult | TransportError, started: datetime, now: datetime) -> Attempt.Outcome:
    """Write the attempt, and the dispatch and its route where id and fence still match.

    Locks the route first, as a claim does, so that the two cannot deadlock.
    """
    route = Route.objects.select_for_update().get(pk=claim.route.pk)
    dispatch = (
        Dispatch.objects.select_for_update()
        .filter(pk=claim.dispatch.pk, fence=claim.dispatch.fence, state=State.SENDING)
        .first()
    )
    outcome = _outcome(result) if dispatch else Attempt.Outcome.LATE
    _write_attempt(claim, result, outcome, started, now)
    if dispatch is None:
        return outcome
    dispatch.lease_until = None
    if isinstance(result, SendResult):
        _apply_success(dispatch, route, result, now)
    else:
        _apply_failure(dispatch, route, result, claim.probe, now)
    dispatch.save(update_fields=MUTABLE)
    return outcome


def _outcome(result: SendResult | TransportError) -> Attempt.Outcome:
    if isinstance(result, SendResult):
        return Attempt.Outcome.ACKED if result.acked else Attempt.Outcome.SENT
    return Attempt.Outcome.REFUSED if result.permanent else Attempt.Outcome.RETRY


def _write_attempt(
    claim: Claim, result: SendResult | TransportError, outcome: Attempt.Outcome, started: datetime, now: datetime
) -> None:
    response = result.response if isinstance(result, SendResult) else str(result)
    Attempt.objects.create(
        dispatch=claim.dispatch,
        number=claim.dispatch.fence,
        route=claim.route,
        started_at=started,
        ended_at=now,
        outcome=outcome,
        code=result.code[:20],
        response=response[:RESPONSE_MAX].replace("\0", ""),
        worker=claim.dispatch.lease_owner,
    )


def _apply_success(dispatch: Dispatch, route: Route, result: SendResult, now: datetime) -> None:
    dispatch.first_sent_at = dispatch.first_sent_at or now
    dispatch.state, dispatch.reason = State.SENT, ""
    dispatch.next_at = now + retry.with_jitter(retry.ACK_TIMEOUTS[route.transport])
    _close_breaker(route, now)
    if result.acked:
        services.mark_acked(dispatch=dispatch, ack_id=dispatch.key, source="response", now=now)
    elif dispatch.attempts.filter(outcome=Attempt.Outcome.SENT).count() >= retry.MAX_SENDS:
        _mark_dead(dispatch, f"Sent {retry.MAX_SENDS} times and never acknowledged; ask the department.")


def _mark_dead(dispatch: Dispatch, reason: str) -> None:
    dispatch.state, dispatch.next_at, dispatch.reason = State.DEAD, None, reason[:300]
    logger.error("Dispatch %s was given up: %s", dispatch.key, dispatch.reason)


def _close_breaker(route: Route, now: datetime) -> None:
    """Close the circuit breaker of a route that works, and release its held dispatches."""
    was_open = route.open_until is not None
    route.failures, route.failing_since, route.open_until, route.last_ok_at, route.reason = 0, None, None, now, ""
    route.save(update_fields=["failures", "failing_since", "open_until", "last_ok_at", "reason"])
    if was_open:
        services.release_held(route=route, now=now)


def _apply_failure(dispatch: Dispatch, route: Route, error: TransportError, probe: bool, now: datetime) -> None:  # noqa: FBT001 -- of the claim
    dispatch.reason = str(error)[:300]
    if error.hold:
        _hold(dispatch, route, now)
        return
    if not error.permanent:
        _count_failure(route, dispatch.reason, probe, now)
    elif probe:
        _close_breaker(route, now)  # a refusal is a response: the route works
    if probe and route.open_until is not None:
        dispatch.state, dispatch.next_at = State.HELD, route.open_until
        return
    _schedule_retry(dispatch, error, now)
    if route.open_until is not None and dispatch.state == State.READY:
        dispatch.state, dispatch.next_at = State.HELD, route.open_until


def _hold(dispatch: Dispatch, route: Route, now: datetime) -> None:
    """Hold a route whose settings are wrong, with all its dispatches, until a person has looked."""
    dispatch.state, dispatch.next_at = State.HELD, now
    logger.error("Route %s is held: %s", route.pk, dispatch.reason)
    services.hold_route(route=route, reason=dispatch.reason)


def _count_failure(route: Route, reason: str, probe: bool, now: datetime) -> None:  # noqa: FBT001 -- of the claim
    """Count a failure; attempts in flight when the circuit breaker opened do not count again."""
    if route.open_until is not None and not probe:
        return
    breaker = retry.after_failure(retry.BreakerState(route.failures, route.failing_since, route.open_until), now)
    route.failures, route.failing_since, route.open_until = breaker.failures, breaker.failing_since, breaker.open_until
    route.reason = reason
    route.save(update_fields=["failures", "failing_since", "open_until", "reason"])
    if route.open_until is not None:
        Dispatch.objects.filter(route=route, state__in=(State.READY, State.HELD)).update(
            state=State.HELD, next_at=Least(F("next_at"), route.open_until)
        )


def _schedule_retry(dispatch: Dispatch, error: TransportError, now: datetime) -> None:
    dispatch.spent += 1
    refused = dispatch.attempts.filter(outcome=Attempt.Outcome.REFUSED).count() if error.permanent else 0
    at = retry.next_try(spent=dispatch.spent, refused=refused, now=now, retry_after=error.retry_after)
    if at is None:
        _mark_dead(dispatch, dispatch.reason)
    else:
        dispatch.state, dispatch.next_at = State.READY, at

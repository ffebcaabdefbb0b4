"""Writing down how a try ended, only while the claim still holds."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least

from shipping import retry, services
from shipping.claim import Claim
from shipping.models import Attempt, Dispatch, Route
from shipping.states import State
from shipping.transports.contract import ANSWER_MAX, Evidence, TransportError

log = structlog.get_logger(__name__)

MUTABLE = ("state", "next_at", "lease_until", "spent", "first_sent_at", "acked_at", "ack_by", "reason")


@transaction.atomic
def record(*, claim: Claim, result: Evidence | TransportError, started: datetime, now: datetime) -> Attempt.Outcome:
    """Write the attempt, and the dispatch and its route where id and fence still match.

    Locks the route first, as a claim does, so the two never wait for each other crosswise.
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
    if isinstance(result, Evidence):
        _taken(dispatch, route, result, now)
    else:
        _not_taken(dispatch, route, result, claim.probe, now)
    dispatch.save(update_fields=MUTABLE)
    return outcome


def _outcome(result: Evidence | TransportError) -> Attempt.Outcome:
    if isinstance(result, Evidence):
        return Attempt.Outcome.ACKED if result.acked else Attempt.Outcome.SENT
    return Attempt.Outcome.REFUSED if result.permanent else Attempt.Outcome.RETRY


def _write_attempt(
    claim: Claim, result: Evidence | TransportError, outcome: Attempt.Outcome, started: datetime, now: datetime
) -> None:
    answer = result.answer if isinstance(result, Evidence) else str(result)
    Attempt.objects.create(
        dispatch=claim.dispatch,
        number=claim.dispatch.fence,
        route=claim.route,
        started_at=started,
        ended_at=now,
        outcome=outcome,
        code=result.code[:20],
        answer=answer[:ANSWER_MAX].replace("\0", ""),
        worker=claim.dispatch.lease_owner,
    )


def _taken(dispatch: Dispatch, route: Route, evidence: Evidence, now: datetime) -> None:
    dispatch.first_sent_at = dispatch.first_sent_at or now
    dispatch.state, dispatch.reason = State.SENT, ""
    dispatch.next_at = now + retry.jittered(retry.ACK_WAITS[route.transport])
    _answered(route, now)
    if evidence.acked:
        services.acknowledge(dispatch=dispatch, ack_id=dispatch.key, source="answer", now=now)
    elif dispatch.attempts.filter(outcome=Attempt.Outcome.SENT).count() >= retry.SENDINGS:
        _give_up(dispatch, f"Sent {retry.SENDINGS} times and never acknowledged; ask the department.")


def _give_up(dispatch: Dispatch, reason: str) -> None:
    dispatch.state, dispatch.next_at, dispatch.reason = State.DEAD, None, reason[:300]
    log.error("dispatch_given_up", key=dispatch.key, reason=dispatch.reason)


def _answered(route: Route, now: datetime) -> None:
    """The route works: close its breaker and let what was held go."""
    was_open = route.open_until is not None
    route.failures, route.failing_since, route.open_until, route.last_ok_at, route.reason = 0, None, None, now, ""
    route.save(update_fields=["failures", "failing_since", "open_until", "last_ok_at", "reason"])
    if was_open:
        services.release_held(route=route, now=now)


def _not_taken(dispatch: Dispatch, route: Route, error: TransportError, probe: bool, now: datetime) -> None:  # noqa: FBT001 -- of the claim
    dispatch.reason = str(error)[:300]
    if error.hold:
        dispatch.state, dispatch.next_at = State.HELD, now
        log.error("route_held", route=route.pk, reason=dispatch.reason)
        services.hold_route(route=route, reason=dispatch.reason)
        return
    if error.permanent and probe:
        _answered(route, now)  # refusing is answering
    elif not error.permanent:
        _failed(route, dispatch.reason, probe, now)
    if probe and route.open_until is not None:
        dispatch.state, dispatch.next_at = State.HELD, route.open_until
        return
    _try_again_or_give_up(dispatch, error, now)
    if route.open_until is not None and dispatch.state == State.READY:
        dispatch.state, dispatch.next_at = State.HELD, route.open_until


def _failed(route: Route, reason: str, probe: bool, now: datetime) -> None:  # noqa: FBT001 -- of the claim
    """Count a failure; those that were under way when the breaker opened do not count again."""
    if route.open_until is not None and not probe:
        return
    health = retry.after_failure(retry.Health(route.failures, route.failing_since, route.open_until), now)
    route.failures, route.failing_since, route.open_until = health.failures, health.failing_since, health.open_until
    route.reason = reason
    route.save(update_fields=["failures", "failing_since", "open_until", "reason"])
    if route.open_until is not None:
        Dispatch.objects.filter(route=route, state__in=(State.READY, State.HELD)).update(
            state=State.HELD, next_at=Least(F("next_at"), route.open_until)
        )


def _try_again_or_give_up(dispatch: Dispatch, error: TransportError, now: datetime) -> None:
    dispatch.spent += 1
    refused = dispatch.attempts.filter(outcome=Attempt.Outcome.REFUSED).count() if error.permanent else 0
    at = retry.next_try(spent=dispatch.spent, refused=refused, now=now, retry_after=error.retry_after)
    if at is None:
        _give_up(dispatch, dispatch.reason)
    else:
        dispatch.state, dispatch.next_at = State.READY, at

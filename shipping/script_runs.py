"""Scripts that people start by hand on a department's agent: started, fetched, ended, each at most once.

The shared data of a run is handed out once. Reading it is what lets the script run; so an agent that dies before that
is offered the run again, and one that dies after it has run the script at most once.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet, Value

from shipping import agent_scripts, envelope, pickup
from shipping.agent_jobs import JobContent
from shipping.agent_scripts import ScriptRefusedError
from shipping.envelope import SigningKey
from shipping.models import Department, Route, ScriptRun
from shipping.transports.agent import MODES

KEY = re.compile(r"run_[0-9a-f]{32}")
WAITS: Final = timedelta(minutes=10)
"""A run that was not fetched by then does not run any more: whoever started it has gone on."""
LEASE: Final = timedelta(seconds=60)
GRACE: Final = timedelta(minutes=5)
"""How much longer than its script may take a run may be silent."""
MOST_OPEN = 20
LARGEST_DATA = 64 * 1024
LARGEST_OUTPUT = 16 * 1024
LOST = "The agent fetched it and has not said how it ended. Look there before you start it again."
MISSED = "The agent did not come for it in time."

State = ScriptRun.State
OUTCOMES: Final = {"done": State.DONE, "failed": State.FAILED, "refused": State.REFUSED}


class UnknownRunError(LookupError):
    """A department has no such run, or its shared data was read already."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A run that a person asks for. ``key`` is the form's own, so that a second press starts nothing."""

    script: str
    arguments: Mapping[str, str]
    mode: str
    data: str
    key: str


@dataclass(frozen=True, slots=True)
class End:
    """The word of an agent on a run."""

    outcome: str
    exit_code: int | None = None
    output: str = ""
    detail: str = ""


def new_key() -> str:
    """Return a key for a run."""
    return f"run_{uuid.uuid4().hex}"


@transaction.atomic
def start_run(*, route: Route, wish: Wish, user: Any, now: datetime) -> ScriptRun:
    """Start a script on a department's agent, once for a key. Raise ScriptRefusedError where that cannot be."""
    Department.objects.select_for_update(no_key=True).get(pk=route.department_id)
    if (known := ScriptRun.objects.filter(key=wish.key, route=route).first()) is not None:
        return known
    script = _script_to_start(route, wish, now)
    return ScriptRun.objects.create(
        route=route,
        key=wish.key,
        script=script.name,
        mode=wish.mode,
        arguments=dict(wish.arguments),
        seconds=script.seconds,
        data=wish.data,
        data_size=len(wish.data),
        next_at=now,
        until=now + WAITS,
        started_by=user,
        created_at=now,
    )


def _script_to_start(route: Route, wish: Wish, now: datetime) -> agent_scripts.OfferedScript:
    """Return the script that a wish names; raise ScriptRefusedError where it cannot be started now."""
    refuse_away(route, now)
    script = agent_scripts.scripts_of(agent_scripts.list_of(route.department)).get(wish.script)
    if script is None:
        raise ScriptRefusedError(f"The agent’s list has no script {wish.script[:40]}.")
    if not script.by_hand:
        raise ScriptRefusedError(f"The agent’s list does not let people start {script.name}: by_hand is not set there.")
    script.check(wish.arguments)
    if not KEY.fullmatch(wish.key) or wish.mode not in dict(MODES):
        raise ScriptRefusedError("The form is not as the page made it; open it anew.")
    if len(wish.data.encode()) > LARGEST_DATA:
        raise ScriptRefusedError(f"The shared data has more than {LARGEST_DATA // 1024} kB.", "shared_data")
    if open_runs(route.department_id).count() >= MOST_OPEN:
        raise ScriptRefusedError(f"{MOST_OPEN} scripts wait or run there already. Wait for one to end.")
    return script


def refuse_away(route: Route, now: datetime) -> None:
    """Raise ScriptRefusedError where a route leads to no agent that is there now."""
    if route.transport != agent_scripts.TRANSPORT:
        raise ScriptRefusedError("The route does not lead to an agent.")
    if route.state != Route.State.ENABLED:
        raise ScriptRefusedError("The route is held. Put it back into use first.")
    found = agent_scripts.list_of(route.department)
    if found is None:
        raise ScriptRefusedError("No agent of this department has come yet. Start mall-agent there.")
    is_busy = open_runs(route.department_id).filter(state=State.RUNNING).exists()  # and says nothing meanwhile
    if agent_scripts.is_away(found, now) and not is_busy:
        raise ScriptRefusedError("The agent is away. Start mall-agent there, and try again.")


def open_runs(department_id: int) -> QuerySet[ScriptRun]:
    """Return the runs of a department that have not ended."""
    return ScriptRun.objects.filter(route__department=department_id, ended_at=None)


def _runs_of(vendor_id: int) -> QuerySet[ScriptRun]:
    return ScriptRun.objects.filter(route__department__vendor=vendor_id)


@transaction.atomic
def offer_runs(*, vendor_id: int, most: int, now: datetime) -> list[bytes]:
    """Lease the runs that wait to the vendor's agent, as signed jobs."""
    settle(now=now, vendor_id=vendor_id)
    rows = _runs_of(vendor_id).filter(state=State.WAITING, next_at__lte=now, route__state=Route.State.ENABLED)
    found = list(rows.select_for_update(skip_locked=True, of=("self",)).order_by("pk")[:most])
    keys = pickup.keys_of(vendor_id) if found else ()
    for run in found:
        run.fence, run.next_at = run.fence + 1, now + LEASE
    ScriptRun.objects.bulk_update(found, ["fence", "next_at"])
    return [envelope.seal(_job(run, keys, now), envelope.JOB, keys) for run in found]


def _job(run: ScriptRun, keys: Sequence[SigningKey], now: datetime) -> bytes:
    content = JobContent(f"{run.key}.{run.fence}", run.key, run.script, run.mode, run.arguments)
    return content.document(vendor=keys[0].vendor, ends=min(now + LEASE, run.until), now=now)


@transaction.atomic
def read_data(*, vendor_id: int, key: str, now: datetime) -> bytes:
    """Hand out the shared data of a run, signed, once. Raise UnknownRunError where there is none to read."""
    rows = _runs_of(vendor_id).select_for_update(of=("self",)).filter(key=key, state=State.WAITING)
    run = rows.first()
    if run is None or run.until < now:
        raise UnknownRunError("There is no such shared data for this department, or it was read already.")
    keys = pickup.keys_of(vendor_id)
    document = {"v": 1, "vendor": keys[0].vendor, "key": run.key, "data": run.data}
    run.state, run.read_at = State.RUNNING, now
    ScriptRun.objects.filter(pk=run.pk).update(state=run.state, read_at=now)
    return envelope.seal(json.dumps(document, ensure_ascii=False).encode(), envelope.SHARED, keys)


@transaction.atomic
def record_end(*, vendor_id: int, key: str, end: End, now: datetime) -> ScriptRun:
    """Record how a run ended, and delete its shared data; a second word changes nothing. Raise UnknownRunError."""
    run = _runs_of(vendor_id).select_for_update(of=("self",)).filter(key=key).first()
    if run is None:
        raise UnknownRunError("There is no such run for this department.")
    state = OUTCOMES[end.outcome]
    if run.state not in {*ScriptRun.OPEN, State.LOST} or (state == State.DONE and run.read_at is None):
        return run
    run.state = state
    ended = {
        "state": state,
        "data": "",
        "ended_at": now,
        "exit_code": end.exit_code,
        "output": end.output[:LARGEST_OUTPUT],
        "detail": end.detail[:300],
    }
    ScriptRun.objects.filter(pk=run.pk).update(**ended)
    return run


@transaction.atomic
def withdraw_run(*, run: ScriptRun, now: datetime) -> bool:
    """Take back a run that the agent has not fetched; False where it has."""
    locked = ScriptRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if locked.state != State.WAITING:
        return False
    locked.state, locked.data, locked.ended_at = State.WITHDRAWN, "", now
    locked.save(update_fields=["state", "data", "ended_at"])
    return True


def settle(*, now: datetime, vendor_id: int | None = None) -> int:
    """End the runs that were not fetched in time, and those whose end did not come; return their number."""
    rows = ScriptRun.objects.filter(ended_at=None)
    if vendor_id is not None:
        rows = rows.filter(route__department__vendor=vendor_id)
    ended = {"data": "", "ended_at": now}
    missed = rows.filter(state=State.WAITING, until__lt=now)
    limit = ExpressionWrapper(F("seconds") * Value(timedelta(seconds=1)), output_field=DurationField())
    lost = rows.filter(state=State.RUNNING, read_at__lt=Value(now - GRACE) - limit)
    return missed.update(state=State.MISSED, detail=MISSED, **ended) + lost.update(
        state=State.LOST, detail=LOST, **ended
    )

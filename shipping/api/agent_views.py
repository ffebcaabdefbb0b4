"""The requests of departments' agents: their list of scripts, jobs, shared data by key, results."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Status

from shipping import agent_jobs, agent_scripts, pickup, script_runs
from shipping.agent_scripts import OfferedScript
from shipping.api.schemas import (
    Acknowledged,
    AgentScripts,
    JobFailure,
    Jobs,
    Known,
    LeaseRequest,
    Run,
    RunEnd,
    SignedDocument,
    Used,
)
from shipping.api.sign_in import NOT_YOURS, REFUSED, key_of
from shipping.script_runs import UnknownRunError
from shipping.services import UnknownDispatchError

router = Router()


@router.put("/agent", response={200: Known, **REFUSED}, summary="Say which scripts the agent has")
def say_scripts(request: HttpRequest, said: AgentScripts) -> Any:
    """Say the agent's own list, by which people choose a script, and that the agent is there."""
    scripts = [OfferedScript(**script.model_dump()) for script in said.scripts]
    vendor_id = key_of(request).vendor_id
    if not agent_scripts.record_list(vendor_id=vendor_id, scripts=scripts, every=said.every, now=timezone.now()):
        return Status(404, {"detail": "This department has no route to an agent."})
    return Known(by_hand=sum(script.by_hand for script in scripts))


@router.post("/jobs", response={200: Jobs, **REFUSED}, summary="Lease jobs")
def lease_jobs(request: HttpRequest, wish: LeaseRequest) -> Any:
    """Lease signed jobs for this department's agent: scripts that people started, then orders."""
    key = key_of(request)
    owner = f"{key.key_id} {request.headers.get('user-agent', '')}"[:80]
    now = timezone.now()
    found = script_runs.offer_runs(vendor_id=key.vendor_id, most=wish.most, now=now)
    if left := wish.most - len(found):
        found += agent_jobs.offer_jobs(vendor_id=key.vendor_id, most=left, owner=owner, now=now)
    return {"jobs": [json.loads(job) for job in found]}


@router.get("/shared/{key}", response={200: SignedDocument, **REFUSED}, summary="Read shared data")
def read_shared(request: HttpRequest, key: str) -> Any:
    """Read the shared data of a job: an order's until it is deleted after use, that of a script by hand once."""
    vendor_id = key_of(request).vendor_id
    try:
        if script_runs.KEY.fullmatch(key):
            content = script_runs.read_data(vendor_id=vendor_id, key=key, now=timezone.now())
        else:
            row = agent_jobs.shared_data(vendor_id=vendor_id, key=key)
            content = pickup.document_of(row, pickup.keys_of(vendor_id))
    except (UnknownDispatchError, UnknownRunError) as error:
        return Status(404, {"detail": str(error)})
    return HttpResponse(content, content_type="application/json")


@router.post("/runs/{key}/end", response={200: Run, **REFUSED}, summary="Say how a script ended")
def run_ended(request: HttpRequest, key: str, word: RunEnd) -> Any:
    """Say how a script ended that a person started; its shared data is deleted. A second time changes nothing."""
    end = script_runs.End(**word.model_dump())
    try:
        run = script_runs.record_end(vendor_id=key_of(request).vendor_id, key=key, end=end, now=timezone.now())
    except UnknownRunError as error:
        return Status(404, {"detail": str(error)})
    return Run(key=run.key, state=run.state)


@router.post("/shared/{key}/used", response={200: Acknowledged, **REFUSED}, summary="Delete shared data after use")
def delete_shared(request: HttpRequest, key: str, used: Used) -> Any:
    """Delete shared data after use: the acknowledgement of its order. A second time changes nothing."""
    try:
        row = agent_jobs.delete_shared_data(
            vendor_id=key_of(request).vendor_id, key=key, outcome=used.outcome, now=timezone.now()
        )
    except UnknownDispatchError as error:
        return Status(404, {"detail": str(error)})
    return Acknowledged(key=row.key, state=row.state)


@router.post("/jobs/{key}/failure", response={200: Acknowledged, **REFUSED}, summary="Say that a job did not end well")
def job_failed(request: HttpRequest, key: str, word: JobFailure) -> Any:
    """Say that a script failed, is not on the agent's list, or found no data."""
    try:
        row = agent_jobs.report_failure(
            vendor_id=key_of(request).vendor_id, key=key, outcome=word.outcome, detail=word.detail, now=timezone.now()
        )
    except UnknownDispatchError:
        return Status(404, {"detail": NOT_YOURS})
    return Acknowledged(key=row.key, state=row.state)

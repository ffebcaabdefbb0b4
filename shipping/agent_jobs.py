"""Jobs of departments' agents: offered under a signature, their shared data read by key and deleted after use.

The shared data of a job is its order. It is there as long as its dispatch lives: nothing times it out. Deleting it is
the acknowledgement, so an agent that died in between finds it again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from shipping import envelope, pickup, services, states
from shipping.claim import Claim
from shipping.envelope import SigningKey
from shipping.models import Dispatch
from shipping.services import UnknownDispatchError
from shipping.transports.agent import THREAD, WAIT, AgentTransport

TRANSPORT = "agent"
EARLY = timedelta(minutes=5)
"""How far the agent's clock may be behind."""

GONE = "There is no such shared data for this department, or it was deleted after use."


def offer_jobs(*, vendor_id: int, most: int, owner: str, now: datetime) -> list[bytes]:
    """Lease due dispatches as signed jobs."""
    claims = pickup.hand_out(vendor_id=vendor_id, transport=TRANSPORT, most=most, owner=owner, now=now)
    keys = pickup.keys_of(vendor_id)
    return [envelope.seal(_job(claim, keys, now), envelope.JOB, keys) for claim in claims]


def _job(claim: Claim, keys: Sequence[SigningKey], now: datetime) -> bytes:
    dispatch, config = claim.dispatch, claim.route.config
    content = JobContent(
        name=f"{dispatch.key}.{dispatch.fence}",
        key=dispatch.key,
        script=config.get("script", "take_order"),
        mode=config.get("mode", WAIT) if config.get("mode") in {WAIT, THREAD} else WAIT,
        arguments={"action": dispatch.action, "revision": dispatch.revision},
    )
    return content.document(vendor=keys[0].vendor, ends=now + AgentTransport.ack_timeout * 0.8, now=now)


@dataclass(frozen=True, slots=True)
class JobContent:
    """The content of a job: its own name, the key of its shared data, the script and its arguments."""

    name: str
    key: str
    script: str
    mode: str
    arguments: Mapping[str, Any]

    def document(self, *, vendor: str, ends: datetime, now: datetime) -> bytes:
        """Return the job of a vendor as it is signed: of now, and with a nonce of its own."""
        document = {
            "v": 1,
            "job": self.name,
            "vendor": vendor,
            "script": self.script,
            "mode": self.mode,
            "args": dict(self.arguments),
            "key": self.key,
            "nbf": _stamp(now - EARLY),
            "exp": _stamp(ends),
            "nonce": secrets.token_hex(16),
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def shared_data(*, vendor_id: int, key: str) -> Dispatch:
    """Return the dispatch whose body is the shared data of that key; raise UnknownDispatchError where it is gone."""
    rows = pickup.dispatches_of(vendor_id).filter(key=key, route__transport=TRANSPORT, state__in=states.LIVE)
    if (dispatch := rows.first()) is None:
        raise UnknownDispatchError(GONE)
    return dispatch


def delete_shared_data(*, vendor_id: int, key: str, outcome: str, now: datetime) -> Dispatch:
    """Delete shared data after use, which acknowledges its dispatch; a second time changes nothing."""
    rows = pickup.dispatches_of(vendor_id).filter(key=key, route__transport=TRANSPORT)
    if not rows.exists():
        raise UnknownDispatchError(GONE)
    return services.record_ack(vendor_id=vendor_id, ack_id=key, key=key, source=TRANSPORT, now=now, outcome=outcome)


@transaction.atomic
def report_failure(*, vendor_id: int, key: str, outcome: str, detail: str, now: datetime) -> Dispatch:
    """Record a job that did not end well: one that failed is offered again, a refused or missing one needs a person."""
    if outcome in {"refused", "missing"}:
        return services.reject(vendor_id=vendor_id, key=key, reason=f"{outcome}: {detail}", now=now)
    rows = pickup.dispatches_of(vendor_id).select_for_update(of=("self",)).filter(key=key)
    if (dispatch := rows.first()) is None:
        raise UnknownDispatchError(GONE)
    dispatch.reason = f"The agent's script failed: {detail}"[:300]
    dispatch.save(update_fields=["reason"])
    return dispatch

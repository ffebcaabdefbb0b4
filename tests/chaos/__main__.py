"""``make farm-chaos``: the demo's farm that runs on this machine, under a stream, one event after another; a table.

ONLY="redis frozen,db killed" chooses events; HTTPS_PORT is the balancer's. The exit code is 1 where a budget is broken.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

import django

# The people's browsers and addresses come with the mall's code; nothing here asks a database of its own.
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "mall.settings",
    "SECRET_KEY": "of nobody",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1",
}
django.setup()

from deploy.farm.compose import Farm, farm_of_environment, say  # noqa: E402 -- the settings are there only now
from tests.chaos import stream  # noqa: E402
from tests.chaos.clocks import CLOCKS  # noqa: E402
from tests.chaos.commands import COMMANDS  # noqa: E402
from tests.chaos.events import EVENTS, PAIR_EVENTS, Event, sql  # noqa: E402

PORT = int(os.environ.get("HTTPS_PORT", "443"))
ONE_ADDRESS, PAIR_OF_ADDRESSES = ("127.0.0.1",), ("127.0.0.1", "127.0.0.2")  # of the balancers
CALM = 6.0  # seconds between two events


@dataclass
class Outcome:
    """What the stream suffered from an event."""

    name: str
    requests: int
    knocks: int
    failed: int
    moments: int
    moment_seconds: float
    outage: float
    slowest: float
    budget: object
    samples: list[str]
    is_within: bool


def happen(event: Event, farm: Farm, record: stream.Record) -> Outcome:
    """Let an event happen, and see what the stream suffers until some seconds after it."""
    event.prepare(farm)
    begun = time.monotonic()
    event.strike(farm)
    time.sleep(event.seconds)
    event.heal(farm)
    time.sleep(event.after)
    answers = record.between(begun, time.monotonic())
    knocks = sum(stream.KNOCK in address for *_, address in answers)
    counts = stream.verdict([status for _, _, status, _ in answers])
    moments = [ended for ended, _, status, _ in answers if status == 503]
    lasted = max(moments) - begun if moments else 0.0
    failures = [ended for ended, _, status, _ in answers if stream.verdict([status])["failed"]]
    outage = max(failures) - begun if failures else 0.0
    wrong = [
        f"{status} {address} after {seconds:.1f} s"
        for _, seconds, status, address in sorted(answers, key=lambda answer: answer[2] == 503)
        if not 200 <= status < 500
    ]
    within = counts["failed"] <= event.budget.failed and lasted <= event.budget.moment and outage <= event.budget.outage
    slowest = max((seconds for _, seconds, _, _ in answers), default=0.0)
    return Outcome(
        event.name,
        len(answers) - knocks,
        knocks,
        counts["failed"],
        counts["moment"],
        lasted,
        outage,
        slowest,
        event.budget,
        wrong[:3],
        within,
    )


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes as a table in Markdown."""
    lines = [
        "| event | requests | knocks | failed | for s | one moment | for s | slowest s | within |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.name} | {each.requests} | {each.knocks} | {each.failed} | {each.outage:.1f} | {each.moments} "
        f"| {each.moment_seconds:.1f} | {each.slowest:.1f} | {'yes' if each.is_within else 'NO'} |"
        for each in outcomes
    ]
    return "\n".join(lines)


def main() -> int:
    farm = farm_of_environment()
    only = {name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()}
    record, stopped, people = stream.start(PORT, PAIR_OF_ADDRESSES if farm.has_pairs else ONE_ADDRESS)
    time.sleep(8)  # everybody has been in every shop
    outcomes = []
    for event in (*COMMANDS, *EVENTS, *CLOCKS, *(PAIR_EVENTS if farm.has_pairs else ())):
        if only and event.name not in only:
            continue
        outcomes.append(happen(event, farm, record))
        say(table(outcomes[-1:]).splitlines()[-1])
        for sample in outcomes[-1].samples:
            say(f"    {sample}")
        time.sleep(CALM)
    stopped.set()
    for person in people:
        person.join(20)
    say(table(outcomes))
    losses = losses_of(farm, record)
    gaps = record.socket_gaps
    say(f"The staff socket was gone {len(gaps)} times, for {max(gaps, default=0):.1f} s at most.")
    say(f"{len(record.answers)} requests, {len(record.paid)} orders paid; {losses}")
    return int(any(losses.values()) or not all(each.is_within for each in outcomes))


def losses_of(farm: Farm, record: stream.Record) -> dict[str, int]:
    """Return what was acknowledged to the stream and is gone."""
    emails = ",".join(f"'{email}'" for email in record.paid) or "''"
    orders = f"FROM orders_order o WHERE o.placed_at IS NOT NULL AND o.email IN ({emails})"
    dispatched = "EXISTS (SELECT 1 FROM shipping_dispatch d WHERE d.consignment_id = c.id)"
    unsent = (
        f"SELECT count(*) FROM orders_consignment c WHERE NOT {dispatched} AND c.order_id IN (SELECT o.id {orders})"
    )
    return {
        "orders lost": len(record.paid) - int(sql(farm, f"SELECT count(*) {orders}")),
        "consignments without a dispatch": int(sql(farm, unsent)),
        "log-outs": record.log_outs,
        "pieces lost from carts": record.lost_updates,
    }


if __name__ == "__main__":
    sys.exit(main())

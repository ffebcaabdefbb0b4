"""The cost of deciding whether a host is served, and the time until every node knows a new one."""

from __future__ import annotations

import multiprocessing
import random
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.http.request import validate_host
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from sessions_farm.communities.conf import community_options
from sessions_farm.communities.middleware import ASK_PATH
from sessions_farm.communities.models import CHANNEL, Community, Domain
from sessions_farm.communities.registry import Registry, read_snapshot, registry
from tests.benchmarks.beside import p99
from tests.benchmarks.handoff_site import FARM, farm_on, handler_of, make_community, serve
from tests.benchmarks.interleaving import no_collector, take_turns, timed
from tests.benchmarks.sizes import rounds, scaled
from tests.benchmarks.subjects import RawSQL
from tests.benchmarks.table import RAW_SQL, Bound, Table

SIZES = (1_000, 10_000)  # domains
ABOVE = "market.example"
OURS, ALLOWED_HOSTS = "ours", "ALLOWED_HOSTS"
SAMPLE = 20  # hosts that one act looks up
NODES = 4
LOOK = 0.001  # seconds between two looks of a node
PATIENCE = 60.0  # seconds
LISTENING = "SELECT pid FROM pg_stat_activity WHERE query = %s AND datname = current_database()"
NEVER = 3600.0  # seconds between two polls: who sees a change before has heard of it


def measure(table: Table) -> None:
    community = make_community("market", ABOVE)
    Domain.objects.create(community=community, host=ABOVE, kind=Domain.Kind.WILDCARD, status=Domain.Status.ACTIVE)
    hosts: list[str] = []
    for size in SIZES:
        hosts += gather(community, len(hosts), scaled(size, SAMPLE))
        table.heading(f"a registry of {len(hosts):,} domains")
        with farm_on("memory"):
            ask(table, hosts)
            look_up(table, hosts)
            reading(table)
            poll = community_options().registry_poll_seconds
        changes(table, community, poll=NEVER, hears=True)
        changes(table, community, poll=poll, hears=False)


def gather(community: Community, begin: int, end: int) -> list[str]:
    hosts = [f"shop-{number:05}.example" for number in range(begin, end)]
    Domain.objects.bulk_create(
        [Domain(community=community, host=host, status=Domain.Status.ACTIVE) for host in hosts], batch_size=1000
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # the private servers have no autovacuum
    return hosts


def ask(table: Table, hosts: Sequence[str]) -> None:
    """At the endpoint for on-demand TLS, beside the one statement that would do; every fourth name is not served."""
    handler, raw, times, ratios = handler_of(*FARM), RawSQL().connection, [], []
    with CaptureQueriesContext(connection) as queries, no_collector():
        registry.current()
        read = len(queries)
        for number in range(scaled(5000, 200)):
            served = number % 4 > 0
            host = random.choice(hosts) if served else f"{secrets.token_hex(8)}.example"  # noqa: S311 -- no secret
            environ = question(host)
            begun = time.perf_counter_ns()
            response = serve(handler, environ)
            times.append((time.perf_counter_ns() - begun) / 1e6)
            ratios.append(times[-1] / timed(partial(look_into_sql, raw, host), 1))
            if response.status_code != (HTTPStatus.OK if served else HTTPStatus.NOT_FOUND):
                raise RuntimeError(f"Asked for {host}, the gate answered {response.status_code}.")
    asked = len(queries) - read
    table.row(
        "ask: may this name have a certificate",
        f"{median(times):.3f} ms, p99 {p99(times):.3f}",
        {RAW_SQL: median(ratios)},
        {Bound(5, unit="ms"): p99(times), Bound(0, unit="queries"): asked},
    )


def question(host: str) -> dict[str, Any]:
    query = {"token": settings.OPS_TOKEN, "domain": host}
    environ: dict[str, Any] = RequestFactory().get(ASK_PATH, query, headers={"Host": "web:8000"}).environ
    return environ


def look_into_sql(line: psycopg.Connection[Any], host: str) -> object:
    found = f"SELECT 1 FROM {Domain._meta.db_table} WHERE host = %s AND kind <> 'wildcard' AND status = 'active'"  # noqa: S608 -- our table
    return line.execute(found, [host]).fetchone()


def look_up(table: Table, hosts: Sequence[str]) -> None:
    """Beside Django's check of a host, given as many."""
    allowed = [*hosts, f".{ABOVE}"]
    random.shuffle(allowed)
    raw = RawSQL().connection
    ways: dict[str, Callable[[str], object]] = {
        OURS: registry.resolve,
        ALLOWED_HOSTS: partial(validate_host, allowed_hosts=allowed),
        RAW_SQL: partial(look_into_sql, raw),
    }
    below = [f"shop-{number}.{ABOVE}" for number in range(SAMPLE)]
    for label, sample in (("a host named in it", random.sample(hosts, SAMPLE)), ("a host below a wildcard", below)):
        acts = {name: partial(all_of, way, sample) for name, way in ways.items()}
        timings = take_turns(acts, rounds=rounds(), acts=1)
        ours, theirs = (1000 * timings.p50(name) / SAMPLE for name in (OURS, ALLOWED_HOSTS))
        goals = {Bound(1, ALLOWED_HOSTS): timings.ratio(OURS, ALLOWED_HOSTS)} if sample is not below else {}
        ratios = {RAW_SQL: timings.ratio(OURS, RAW_SQL)}
        table.row(f"resolve: {label}", f"{ours:.2f} µs, theirs {theirs:,.1f}", ratios, goals)


def all_of(way: Callable[[str], object], hosts: Sequence[str]) -> None:
    for host in hosts:
        way(host)


def reading(table: Table) -> None:
    """Do the work of every node at every change."""
    times = [timed(read_snapshot, 1) for _ in range(9)]
    table.row("a node reads all of it anew", f"{median(times):.0f} ms")


def changes(table: Table, community: Community, *, poll: float, hears: bool) -> None:
    """``hears``: whether PostgreSQL tells the nodes."""
    with farm_on("memory", poll=poll), nodes() as lines:
        wait_until(lambda: listeners() == NODES, "A node does not listen.")
        if not hears:
            hang_up()
            wait_until(lambda: listeners() == 0, "A node listens still.")
        times = [change(community, lines, random.uniform(0, min(poll, 1))) for _ in range(scaled(20, 3))]  # noqa: S311
        if hears != (listeners() == NODES):
            raise RuntimeError("The nodes heard what they were not to hear, or the other way round.")
    how = "told by NOTIFY alone" if hears else f"polling each {poll:g} s alone"
    table.row(
        f"a change until {NODES} nodes see it, {how}",
        f"{median(times):.2f} s, worst {max(times):.2f}",
        goals={Bound(1, unit="s"): max(times)},
    )


def change(community: Community, lines: Sequence[Connection], pause: float) -> float:
    """Seconds from the beginning of a change until the last node saw it."""
    time.sleep(pause)  # polls are not to keep step with changes
    host = f"{secrets.token_hex(8)}.example"
    for line in lines:
        line.send(host)
    begun = time.monotonic()
    Domain.objects.create(community=community, host=host, status=Domain.Status.ACTIVE)
    return max(map(heard, lines)) - begun


@contextmanager
def nodes() -> Iterator[list[Connection]]:
    """Processes that have each read the registry, with a line to each."""
    connection.close()  # no two processes may share one
    context = multiprocessing.get_context("fork")
    lines, processes = [], []
    try:
        for _ in range(NODES):
            near, far = context.Pipe()
            lines.append(near)
            process = context.Process(target=look_out, args=(far, lines), daemon=True)
            process.start()
            far.close()
            processes.append(process)
        for line in lines:
            heard(line)
        yield lines
    finally:
        for line in lines:
            line.close()
        for process in processes:
            process.join()


def look_out(line: Connection, inherited: Iterable[Connection]) -> None:
    """In a node's own process: tell when each host was seen first."""
    for near in inherited:
        near.close()  # so that the line ends when the other process closes it
    node = Registry()
    node.current()
    line.send(time.monotonic())
    with suppress(EOFError):
        while True:
            host = line.recv()
            wait_until(lambda: node.resolve(host) is not None, f"{host} was never seen.", LOOK)  # noqa: B023
            line.send(time.monotonic())  # one clock for all processes
    node.stop()
    connection.close()


def heard(line: Connection) -> float:
    try:
        moment: float = line.recv()
    except EOFError:
        raise RuntimeError("A node failed; its own words stand above.") from None
    return moment


def listeners() -> int:
    with connection.cursor() as cursor:
        cursor.execute(LISTENING, [f"LISTEN {CHANNEL}"])
        return len(cursor.fetchall())


def hang_up() -> None:
    """As a restart does, or a pooler in between: nodes try again after a good while only."""
    with connection.cursor() as cursor:
        cursor.execute(LISTENING, [f"LISTEN {CHANNEL}"])
        for (process,) in cursor.fetchall():
            cursor.execute("SELECT pg_terminate_backend(%s)", [process])


def wait_until(condition: Callable[[], bool], fault: str, pause: float = 0.01) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(fault)
        time.sleep(pause)

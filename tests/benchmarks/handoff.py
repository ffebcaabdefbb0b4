"""The cost of the hand-off: on each page, on a first visit's three redirects, and in data kept meanwhile."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from statistics import median, quantiles
from typing import Any

import redis
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import RequestFactory

from sessions_farm.communities.handoff import codes, verifier
from sessions_farm.conf import options
from sessions_farm.models import OneUseCode
from sessions_farm.session import ids
from sessions_farm.session.audience import audience_of_host
from sessions_farm.session.session import SessionStore
from sessions_farm.testing.browser import AGENT, BrowserClient
from sessions_farm.web import cookies
from tests.benchmarks import served
from tests.benchmarks.beside import p99
from tests.benchmarks.engines import make_store, stock
from tests.benchmarks.handoff_site import (
    FARM,
    HANDOFF,
    MASTER,
    SHOPS,
    THEIRS,
    Counting,
    Stopwatch,
    Trips,
    farm_on,
    handler_of,
    make_community,
    metered_farm_on,
    serve,
)
from tests.benchmarks.interleaving import Act, no_collector, take_turns, timed
from tests.benchmarks.sizes import scaled
from tests.benchmarks.subjects import VARIABLES, RawRedis, RawSQL
from tests.benchmarks.table import (
    RAW_REDIS,
    RAW_SQL,
    STOCK_CACHED_DB,
    STOCK_CORE,
    STOCK_DB,
    STOCK_DJANGO_REDIS,
    Bound,
    Table,
    short,
)

BARE, OURS, WITHOUT_HANDOFF = "nothing", "farm", "farm without hand-off"
BESIDE = {"redis": (STOCK_DJANGO_REDIS, STOCK_CORE), "database": (STOCK_DB, STOCK_CACHED_DB)}  # the nearest of Django's
RAW = {"redis": RAW_REDIS, "database": RAW_SQL}
HOPS = 3
WARMING = 20  # acts that make connections, plans and the snapshot
PAGE_GOAL, HOPS_GOAL, CODE_GOAL = Bound(0.25, unit="ms"), Bound(3, unit="ms"), Bound(400, unit="B")
FOR_EVER = -1  # Redis's word for a key without an end
ONE_TRIP, NOTHING = Bound(1, unit="trip"), Bound(0)


def measure(table: Table) -> None:
    make_community("mall", MASTER, *SHOPS)
    for store in BESIDE:
        table.heading(f"{store}: a page on a store's host, of a visitor whose session is loaded once")
        pages(table, store)
        table.heading(f"{store}: server time of a first visit's three redirects: page, authorize, finish")
        first_visits(table, store)
        table.heading(f"{store}: what is kept of visitors who never write")
        kept(table, store)
    served.measure(table)


def pages(table: Table, store: str) -> None:
    with farm_on(store):
        acts = page_acts(store)
        take_turns(acts, rounds=WARMING, acts=1)
        timings = take_turns(acts, rounds=scaled(4000, 100), acts=1)
    spent = trips_of_page(store)
    table.row("theirs, in ms", "", {column: timings.p50(column) for column in BESIDE[store]})
    table.row(
        f"{store}: page",
        f"{timings.p50(OURS):.3f} ms",
        {column: timings.ratio(OURS, column) for column in BESIDE[store]},
    )
    bare = f"{timings.p50(BARE):.3f} ms, ours × {short(timings.ratio(OURS, BARE))}"
    table.row(f"{store}: page without gate, cookies, session, hand-off", bare)
    added = differences(timings.rounds, OURS, BARE)
    table.row(
        f"{store}: added by the four", f"{median(added):.3f} ms, p99 {p99(added):.3f}", goals={PAGE_GOAL: median(added)}
    )
    of_it = differences(timings.rounds, OURS, WITHOUT_HANDOFF)
    table.row(f"{store}: of it by the hand-off", f"{median(of_it):.3f} ms, p99 {p99(of_it):.3f}")
    table.row(f"{store}: trips of a page", str(spent), goals={ONE_TRIP: spent.total})


def trips_of_page(store: str) -> Trips:
    with metered_farm_on(store) as meters:
        act = page_acts(store)[OURS]
        for _ in range(WARMING):
            before = meters.read()
            act()
        return meters.read() - before


def page_acts(store: str) -> dict[str, Act]:
    """The page behind each, by its name."""
    audience, session = audience_of_host(SHOPS[0]), SessionStore()
    session.update(VARIABLES)
    session.save()
    environ = asked(cookies.name_for(audience), cookies.seal(audience, session.session_key or ""))
    acts: dict[str, Act] = {
        OURS: partial(serve, handler_of(*FARM), environ),
        WITHOUT_HANDOFF: partial(serve, handler_of(*(name for name in FARM if name != HANDOFF)), environ),
        BARE: partial(serve, handler_of(), environ),
    }
    for column in BESIDE[store]:
        theirs = stock(options().redis_url)[column](None)
        theirs.update(VARIABLES)
        theirs.save()
        environ = asked(settings.SESSION_COOKIE_NAME, theirs.session_key or "")
        acts[column] = partial(serve, handler_of(THEIRS[column]), environ)
    return acts


def asked(cookie: str, value: str) -> dict[str, Any]:
    """A browser's request for the page."""
    said = {"Host": SHOPS[0], "User-Agent": AGENT, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    request = RequestFactory().get("/", secure=True, headers=said | {"Cookie": f"{cookie}={value}"})
    environ: dict[str, Any] = request.environ
    return environ


def differences(rounds: Mapping[str, list[float]], name: str, than: str) -> list[float]:
    return [ours - theirs for ours, theirs in zip(rounds[name], rounds[than], strict=True)]


def first_visits(table: Table, store: str) -> None:
    """Measure visits of unknown browsers to one store, then to another when the master knows them."""
    hops: dict[str, list[list[float]]] = {host: [] for host in SHOPS}
    ratios: dict[str, list[float]] = {host: [] for host in SHOPS}
    least = []
    with farm_on(store), no_collector():
        watch, raw = Stopwatch(handler_of(*FARM)), least_of_any(store)
        for number in range(WARMING + scaled(2000, 30)):
            browser = BrowserClient(transport=watch)
            for host in SHOPS:
                watch.took.clear()
                walk(browser, host)
                took, beside = watch.took[:HOPS], timed(raw, 1)
                if number >= WARMING:
                    hops[host].append(took)
                    ratios[host].append(sum(took) / beside)
                    least.append(beside)
            gc.collect(0)
    table.row(f"{store}: the least: 3 bare pages, a code put and taken", "", {RAW[store]: median(least)})
    trips = trips_of_visits(store)
    for host, label in zip(SHOPS, ("the first host of all", "another host"), strict=True):
        sums = [sum(each) for each in hops[host]]
        measured = f"{median(sums):.2f} ms, p95 {quantiles(sums, n=20)[18]:.2f}"
        table.row(f"{store}: {label}", measured, {RAW[store]: median(ratios[host])}, {HOPS_GOAL: median(sums)})
        each = " + ".join(f"{median(times):.2f}" for times in zip(*hops[host], strict=True))
        table.row(f"{store}: {label}, hop by hop", f"{each} ms")
        table.row(f"{store}: {label}, trips", str(trips[host]))


def walk(browser: BrowserClient, host: str) -> None:
    """To a host that does not know the browser, as an address typed in."""
    response = browser.get(f"https://{host}/")
    if browser.redirects != HOPS or response.status_code != 200:
        steps = ", ".join(f"{hop.status} {hop.url}" for hop in browser.hops)
        raise RuntimeError(f"A first visit to {host} is {HOPS} redirects and a page, and not: {steps}")


def least_of_any(store: str) -> Act:
    """Measure the least that any hand-off needs: three requests, and a code that is kept and taken."""
    environ, bare, digest, payload = asked("nobody", ""), handler_of(), codes.digest_of_code("code"), "x" * 230
    if store == "redis":
        client, name = RawRedis(options().redis_url, options().redis_prefix).client, f"{options().redis_prefix}:raw"

        def carry() -> None:
            client.set(name, payload, nx=True, px=60_000)
            client.getdel(name)
    else:
        line, rows = RawSQL().connection, OneUseCode._meta.db_table

        def carry() -> None:
            line.execute(f"INSERT INTO {rows} VALUES (%s, %s, 0)", [digest, payload])  # noqa: S608 -- our table
            line.execute(f"DELETE FROM {rows} WHERE digest = %s RETURNING payload", [digest]).fetchone()  # noqa: S608

    def act() -> None:
        for _ in range(HOPS):
            serve(bare, environ)
        carry()

    return act


def trips_of_visits(store: str) -> dict[str, Trips]:
    """All trips of the three redirects, by host."""
    with metered_farm_on(store) as meters:
        counting = Counting(handler_of(*FARM), meters)
        spent = {}
        for _ in range(WARMING):
            browser = BrowserClient(transport=counting)
            for host in SHOPS:
                counting.spent.clear()
                walk(browser, host)
                spent[host] = sum(counting.spent[1:HOPS], start=counting.spent[0])
        return spent


def kept(table: Table, store: str) -> None:
    with farm_on(store):
        before = names_in_redis(), rows_in_sql()
        transport = Stopwatch(handler_of(*FARM))
        for _ in range(count := scaled(200, 10)):
            browser = BrowserClient(transport=transport)
            for host in SHOPS:
                walk(browser, host)
                browser.get("/?again")
        names, rows = names_in_redis() - before[0], rows_in_sql() - before[1]
    marks = {name for name in names if name.startswith(str(settings.CACHES["default"]["KEY_PREFIX"]))}
    stored, seconds = len(names - marks), longest_life(marks)
    what = f"{store}: {count} visitors to two hosts each"
    table.row(what, f"{rows} rows, {stored} keys", goals={NOTHING: rows + stored})
    table.row(
        f"{store}: marks in the cache, of pace and the like",
        f"{len(marks) / count:.1f} each, for {seconds} s",
        goals={Bound(60, unit="s"): seconds},
    )
    size = bytes_of_code(store)
    table.row(f"{store}: a code in flight, for at most {codes.LIFETIME} s", f"{size} B", goals={CODE_GOAL: size})


def names_in_redis() -> set[str]:
    with redis.Redis.from_url(options().redis_url, decode_responses=True) as client:
        return set(client.scan_iter(f"*{options().redis_prefix}*", count=5000))


def longest_life(names: Iterable[str]) -> int:
    """Seconds that the last of these keys has still to live."""
    with redis.Redis.from_url(options().redis_url) as client:
        lives = [client.ttl(name) for name in names]
    return max(sys.maxsize if life == FOR_EVER else int(life) for life in lives)


def rows_in_sql() -> int:
    models = [*apps.get_app_config("sessions_farm").get_models(), *apps.get_app_config("communities").get_models()]
    return sum(model._default_manager.count() for model in models)  # noqa: SLF001 -- as Django documents it


def bytes_of_code(store: str) -> int:
    """Of a code as its server keeps it, with its name and header; without SQL's indexes."""
    prefix = ids.new_id()[:4]  # as long as the one that a farm has by default
    grant = codes.Grant("mall", ids.new_id(), SHOPS[0], verifier.new_verifier().challenge, MASTER)
    digest = codes.digest_of_code(codes.issue_code(make_store(store, redis_prefix=prefix), grant))
    if store == "redis":
        with redis.Redis.from_url(options().redis_url) as client:
            name = f"{prefix}:c:{digest}"
            size = int(client.memory_usage(name) or 0)
            client.delete(name)
            return size
    rows = OneUseCode._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {rows} AS r WHERE digest = %s RETURNING pg_column_size(r)", [digest])  # noqa: S608 -- our table
        return int(cursor.fetchone()[0])

"""The events: what is done to which part of the farm, how it is undone, and what the stream may suffer meanwhile."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

from deploy.farm import pairs
from deploy.farm.compose import Farm, docker


@dataclass(frozen=True)
class Budget:
    """``failed``: answers that a person calls an error, none later than ``outage`` seconds after the event began.

    ``moment``: seconds from the beginning of the event to the last "one moment".
    """

    failed: int = 0
    moment: float = 0
    outage: float = 60


NONE = Budget()


@dataclass(frozen=True)
class Event:
    """``strike`` and ``heal`` get the farm; the stream goes on for ``seconds`` between them, and ``after`` behind."""

    name: str
    strike: Callable[[Farm], None]
    heal: Callable[[Farm], None]
    budget: Budget
    seconds: float = 8
    after: float = 8
    prepare: Callable[[Farm], None] = lambda _farm: None  # before the moment from which the seconds count


def one(farm: Farm, service: str) -> str:
    """Return the id of a container of a service."""
    return next(container.id for container in farm.containers(service))


def killed(service: str, budget: Budget) -> Event:
    found: list[str] = []

    def find(farm: Farm) -> None:
        found[:] = [one(farm, service)]

    return Event(
        f"{service} killed",
        lambda _farm: void(docker("kill", found[0])),
        lambda _farm: void(docker("start", found[0])),
        budget,
        prepare=find,
    )


def stopped(service: str, budget: Budget) -> Event:
    return Event(
        f"{service} stopped",
        lambda farm: void(docker("stop", one(farm, service))),
        lambda farm: void(docker("start", one(farm, service))),
        budget,
    )


def signal_all(farm: Farm, service: str, number: signal.Signals) -> None:
    """Send a signal to all processes of a container; `docker pause` needs a freezer that not every kernel has."""
    for pid in docker("top", one(farm, service), "-o", "pid").split()[1:]:
        with suppress(ProcessLookupError):
            os.kill(int(pid), number)


def frozen(service: str, budget: Budget, seconds: float = 8) -> Event:
    return Event(
        f"{service} frozen",
        lambda farm: signal_all(farm, service, signal.SIGSTOP),
        lambda farm: signal_all(farm, service, signal.SIGCONT),
        budget,
        seconds,
    )


def restarted(service: str, budget: Budget) -> Event:
    return Event(f"{service} restarted", lambda farm: void(docker("restart", one(farm, service))), nothing, budget)


def cut_off(service: str, network: str, budget: Budget) -> Event:
    """Take a container out of a network, and bring it back under its names."""
    names: list[str] = []
    place: list[str] = []

    def cut(farm: Farm) -> None:
        container = one(farm, service)
        found = json.loads(docker("inspect", container))[0]["NetworkSettings"]["Networks"]
        here = found[f"{farm.project}_{network}"]
        names[:] = here["Aliases"] or []
        fixed = (here["IPAMConfig"] or {}).get("IPv4Address", "")
        place[:] = ["--ip", fixed] if fixed else []
        docker("network", "disconnect", f"{farm.project}_{network}", container)

    def join(farm: Farm) -> None:
        aliases = [word for name in names for word in ("--alias", name)]
        docker("network", "connect", *aliases, *place, f"{farm.project}_{network}", one(farm, service))

    return Event(f"{service} cut off", cut, join, budget)


def read_only() -> Event:
    def switch(value: str) -> Callable[[Farm], None]:
        def run(farm: Farm) -> None:
            words = ("ALTER SYSTEM SET default_transaction_read_only = " + value, "SELECT pg_reload_conf()")
            for statement in words:
                sql(
                    farm,
                    f"SET default_transaction_read_only = off; {statement}" if "SELECT" in statement else statement,
                )

        return run

    # Reading goes on; a write says "one moment" for as long as it lasts: 8 seconds, and the commands around them.
    return Event("db read-only", switch("on"), switch("off"), Budget(moment=20))


def emptied(service: str, budget: Budget) -> Event:
    """Empty a Redis at once, as somebody with an administrator's rights might."""

    def flush(farm: Farm) -> None:
        # The mall's user may not, so the data folder's files go and the server starts anew with nothing.
        farm.run("exec", "-T", service, "sh", "-c", "rm -rf /data/*")
        docker("kill", one(farm, service))
        docker("start", one(farm, service))

    return Event(f"{service} emptied", flush, nothing, budget)


def full_disk(service: str, folder: str, budget: Budget) -> Event:
    """Fill what is left of a container's own file system."""
    return Event(
        f"{service} disk full",
        lambda farm: void(
            farm.run("exec", "-T", service, "sh", "-c", f"dd if=/dev/zero of={folder}/full bs=1M", check=False)
        ),
        lambda farm: void(farm.run("exec", "-T", service, "rm", "-f", f"{folder}/full", check=False)),
        budget,
    )


def sql(farm: Farm, statement: str) -> str:
    """Run a statement as the database's owner; return its rows as text."""
    return farm.run("exec", "-T", pairs.primary_of(farm), "psql", "-U", "mall", "-At", "-c", statement)


def redis_primary_killed() -> Event:
    """Kill whichever Redis is the primary now; Sentinels choose the other, and it comes back as a replica."""
    killed_one: list[str] = []

    def kill(farm: Farm) -> None:
        address = farm.run(
            *("exec", "-T", "sentinel-1", "sh", "-c"),
            'redis-cli -p 26379 --user sentinel --pass "$(cat /run/secrets/sentinel_password)" --no-auth-warning'
            " sentinel get-master-addr-by-name mall",
        ).split()[0]
        service = next(name for name in ("redis", "redis-replica") if address_of(farm, name) == address)
        killed_one[:] = [one(farm, service)]
        docker("kill", killed_one[0])

    return Event("redis primary killed", kill, lambda _farm: void(docker("start", killed_one[0])), NONE, 10, 15)


def address_of(farm: Farm, service: str) -> str:
    """Return the address of a service's container in the inner network."""
    networks = json.loads(docker("inspect", one(farm, service)))[0]["NetworkSettings"]["Networks"]
    return str(networks[f"{farm.project}_back"]["IPAMConfig"]["IPv4Address"])


def standby_killed() -> Event:
    """Kill whichever database is the standby now; commits stop waiting for it."""
    found: list[str] = []

    def find(farm: Farm) -> None:
        primary = pairs.primary_of(farm)
        found[:] = [one(farm, next(name for name in pairs.DATABASES if name != primary))]

    return Event(
        "standby killed",
        lambda _farm: void(docker("kill", found[0])),
        lambda _farm: void(docker("start", found[0])),
        NONE,
        prepare=find,
    )


def database_failed_over() -> Event:
    """Kill the primary, and promote the standby at once; the former primary becomes its standby."""
    primary: list[str] = []

    def find(farm: Farm) -> None:
        primary[:] = [one(farm, pairs.primary_of(farm))]

    def fail_over(farm: Farm) -> None:
        docker("kill", primary[0])
        pairs.promote(farm)

    return Event("db failed over", fail_over, nothing, Budget(moment=5), after=30, prepare=find)


def nothing(_farm: Farm) -> None:
    """Heal nothing: it heals by itself."""


def void(_answer: object) -> None:
    """Drop an answer."""


def in_each_way(service: str, network: str, budgets: Mapping[str, Budget] = MappingProxyType({})) -> tuple[Event, ...]:
    """Return what happens to each service; where no budget is given nobody may notice."""

    def of(way: str) -> Budget:
        return budgets.get(way, NONE)

    return (
        killed(service, of("killed")),
        stopped(service, of("stopped")),
        frozen(service, of("frozen")),
        cut_off(service, network, of("cut off")),
        restarted(service, of("restarted")),
    )


# What is on its way through what is killed is cut off.
CUT = Budget(failed=6, outage=2)
# What is on its way through a frozen balancer waits, and what comes until the door has seen it.
WAIT = Budget(failed=12, outage=15)

EVENTS = (
    # A node that is cut off says "one moment" to whoever waits for an answer of its database (12 s) and then for new
    # connections, and to whoever comes until it has seen that it reaches nothing.
    *in_each_way("web", "back", {"frozen": Budget(failed=3), "cut off": Budget(moment=20)}),
    full_disk("web", "/tmp", NONE),
    *in_each_way("lb", "edge", {"killed": CUT, "stopped": CUT, "frozen": WAIT, "cut off": WAIT, "restarted": CUT}),
    *in_each_way("worker", "back"),
    full_disk("worker", "/tmp", NONE),
    *in_each_way("jobs", "back"),
    *in_each_way("beat", "back"),
    *in_each_way("dispatchd", "back"),
    *in_each_way("sftpd", "back"),
    *in_each_way("redis", "back"),
    emptied("redis", NONE),
    *in_each_way("cache", "back"),
    *in_each_way("mail", "post"),
    *in_each_way("fowlers-dispatch", "outside"),
    # Reading and writing pages say "one moment" for as long as it lasts, and the commands around it.
    *in_each_way(
        "db",
        "back",
        dict.fromkeys(("killed", "stopped", "frozen", "cut off"), Budget(moment=25)) | {"restarted": Budget(moment=8)},
    ),
    read_only(),
)
# Of a farm with HA=1 besides.
PAIR_EVENTS = (
    killed("door", CUT),
    frozen("lb2", WAIT, seconds=15),
    killed("sentinel-1", NONE),
    redis_primary_killed(),
    standby_killed(),
    killed("db-keeper", NONE),
    database_failed_over(),
)

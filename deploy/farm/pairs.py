"""The pair of databases: which one is the primary, and the promotion of the other where the primary is gone.

A promotion is a person's word, or that of whoever watches the farm: from inside nobody can tell a primary that is dead
from one that cannot be seen. It fences first, so that there are never two (ADR 92).
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor

from deploy.farm import FarmError
from deploy.farm.compose import PAIRS, Container, Farm, docker, say

DATABASES = ("db", "db-standby")
DATA = "/var/lib/postgresql/data"
FENCE = "fenced"
PSQL = ("psql", "-U", "mall", "-d", "mall", "-At", "-c")


def primary_of(farm: Farm) -> str:
    """Return the service of the database that takes writes. Raise FarmError where none does."""
    if not farm.has_pairs:
        return "db"
    for container in farm.running(*DATABASES):
        if _role(container) == "primary":
            return container.service
    raise FarmError("No database takes writes: start the farm (make farm), or promote the standby (make farm-promote).")


def _role(container: Container) -> str:
    said = docker("exec", container.id, *PSQL, "SELECT pg_is_in_recovery()", check=False, seconds=5)
    return {"t": "standby", "f": "primary"}.get(said, "silent")


def choose_pairs(farm: Farm, wanted: str) -> None:
    """Remember whether the farm shall have pairs: 0, 1, or, empty, as it has. Raise FarmError for one that runs."""
    if wanted not in {"", "0", "1"}:
        raise FarmError(f"HA={wanted} is neither 0 nor 1.")
    if not wanted or int(wanted) == int(farm.has_pairs):
        return
    if farm.containers():
        raise FarmError(f"HA={wanted} is another farm than the one that is there: make farm-down first; its data stay.")
    if wanted == "0" and farm.numbers().get("STANDBY_LEADS"):
        raise FarmError("The database of now is the promoted standby's: make farm HA=1, make farm-promote, then HA=0.")
    farm.write_numbers(farm.numbers() | {PAIRS: int(wanted)})


def promote(farm: Farm) -> None:
    """End the primary, promote the standby, and start the former primary as its standby. Raise FarmError."""
    begun = time.monotonic()
    if not farm.has_pairs:
        raise FarmError(
            "This farm has one database, so there is nothing to promote: make farm-down, then make farm HA=1."
        )
    there = {found.service: found for found in farm.containers(*DATABASES)}
    standby = _standby(there)
    old = there.get(next(name for name in DATABASES if name != standby.service))
    if old is not None:
        _require_all_there(old)
        _end(old)
    docker("exec", standby.id, *PSQL, "SELECT pg_promote(true, 30)", seconds=40)
    say(f"{standby.service} takes writes after {time.monotonic() - begun:.1f} s.")
    farm.write_numbers(farm.numbers() | {"STANDBY_LEADS": int(standby.service != DATABASES[0])})
    if old is not None:
        _fence(old)
        docker("start", old.id)
        say(f"{old.service} becomes its standby.")


def _standby(there: dict[str, Container]) -> Container:
    """Return the standby that runs. Raise FarmError where there is none."""
    running = [found for found in there.values() if found.state == "running"]
    with ThreadPoolExecutor() as pool:  # writes wait for this command
        known = dict(zip((found.service for found in running), pool.map(_role, running), strict=True))
    roles = {name: known.get(name, "gone") for name in there}
    standbys = [name for name, role in roles.items() if role == "standby"]
    if len(standbys) == 1:
        return there[standbys[0]]
    said = ", ".join(f"{name} is {role}" for name, role in roles.items()) or "neither database is there"
    raise FarmError(f"There is no standby to promote: {said}. make farm starts what is missing.")


def _require_all_there(old: Container) -> None:
    """Raise FarmError where the primary went on without its standby, unless FORCE=1 gives up what it alone has."""
    settings = _file_of(old, f"{DATA}/postgresql.auto.conf")
    waited = re.search(r"^synchronous_standby_names = '\*'", settings, re.MULTILINE)
    if waited or os.environ.get("FORCE") == "1":
        return
    raise FarmError(
        f"{old.service} took orders while no standby followed, and the standby lacks them. Start it again (make farm);"
        " or lose them: make farm-promote FORCE=1"
    )


def _file_of(container: Container, path: str) -> str:
    """Return the text of a file in a container, running or not; empty where it is not there."""
    done = subprocess.run(["docker", "cp", f"{container.id}:{path}", "-"], capture_output=True, timeout=20, check=False)  # noqa: S603, S607
    if done.returncode:
        return ""
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        found = archive.extractfile(archive.getmembers()[0])
        return found.read().decode() if found else ""


def _end(old: Container) -> None:
    """End the primary, if it lives; an engine starts nothing again that was ended by command."""
    if old.state != "exited":
        docker("stop", "--time", "0", old.id)


def _fence(old: Container) -> None:
    """Mark the data of the former primary, so that they are never a primary's again."""
    done = io.BytesIO()
    with tarfile.open(fileobj=done, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(FENCE))
    subprocess.run(["docker", "cp", "-", f"{old.id}:{DATA}"], input=done.getvalue(), timeout=20, check=True)  # noqa: S603, S607

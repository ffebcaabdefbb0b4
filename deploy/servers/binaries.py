"""Where the server programs lie: on this machine, or in packages."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.servers import embedded
from deploy.servers.processes import Account, ServerError, identity

OLDEST_POSTGRES = 15
OLDEST_REDIS = 7
HOW_POSTGRES = "Install PostgreSQL 15 or newer (package `postgresql`), or set DATABASE_URL."
HOW_REDIS = "Install Redis 7 or newer (package `redis-server` or `valkey`) or a C compiler with make, or set REDIS_URL."


@dataclass(frozen=True)
class PostgresBinaries:
    folder: Path
    major: int
    label: str
    tree: Path  # holds all that the programs load: a package keeps libraries outside of the programs' own folders

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    def readable_by(self, account: Account | None, home: Path) -> PostgresBinaries:
        """Return these programs, copied to ``home`` where the account may not run them in place."""
        if account is None or self.run_as(account):
            return self
        copy = home / "programs"
        mine = replace(self, tree=copy, folder=copy / self.folder.relative_to(self.tree))
        if not mine.run_as(account):
            draft = home / "programs.new"
            for old in (draft, copy):
                shutil.rmtree(old, ignore_errors=True)
            shutil.copytree(self.tree, draft, symlinks=True)
            subprocess.run(["chmod", "-R", "go+rX", str(draft)], check=True)  # noqa: S603, S607
            draft.rename(copy)
        return mine

    def run_as(self, account: Account) -> bool:
        return runs_as(self.postgres, account) and runs_as(self.initdb, account)


@dataclass(frozen=True)
class RedisBinary:
    server: Path
    major: int
    label: str


def choice(asked: str) -> tuple[str, ...]:
    """Return the places to look in, in order, for a value of MALL_SERVERS."""
    places = {"": ("path", "embedded"), "path": ("path",), "embedded": ("embedded",)}
    if asked not in places:
        raise ServerError(f"MALL_SERVERS={asked} is unknown; it may be path or embedded.")
    return places[asked]


def find_postgres(places: tuple[str, ...], made_by: int | None, say: Callable[[str], None]) -> PostgresBinaries:
    """Return a server that is new enough and, where there is data already, of the version that made it."""
    refused = []
    try:
        for found in postgres_candidates(places, say):
            if found.major < OLDEST_POSTGRES:
                refused.append(f"{found.label} is older than {OLDEST_POSTGRES}.")
            elif made_by not in {None, found.major}:
                refused.append(f"{found.label} cannot serve the data here, which is version {made_by}'s.")
            else:
                return found
    except ServerError as fault:
        refused.append(str(fault))
    hint = "" if made_by is None else " `make demo-reset` throws the old data away."
    raise ServerError("\n".join(["No PostgreSQL server was found.", *refused, HOW_POSTGRES + hint]))


def postgres_candidates(places: tuple[str, ...], say: Callable[[str], None]) -> Iterator[PostgresBinaries]:
    """Yield servers place by place, newest first; packages are only fetched where the machine has none that fits."""
    for place in places:
        folders = postgres_folders() if place == "path" else embedded.postgres_folders(say)
        for major, folder in sorted(((postgres_major(folder), folder) for folder in folders), reverse=True):
            if place == "path":
                yield PostgresBinaries(folder, major, f"{folder}, version {major}", tree=folder.parent)
            else:
                tree = embedded.site_packages(folder)
                yield PostgresBinaries(folder, major, f"out of a package, version {major}", tree)


def postgres_folders() -> list[Path]:
    """Return folders with both programs: on PATH, and in Debian's place."""
    found = shutil.which("postgres")
    folders = {Path(found).resolve().parent} if found else set()
    folders |= {path.resolve() for path in Path("/usr/lib/postgresql").glob("*/bin")}
    return [path for path in folders if all((path / name).exists() for name in ("postgres", "initdb"))]


def postgres_major(folder: Path) -> int:
    return version(folder / "postgres", r"PostgreSQL\) (\d+)")


def find_redis(places: tuple[str, ...], say: Callable[[str], None]) -> RedisBinary:
    refused = []
    try:
        for found in redis_candidates(places, say):
            if found.major >= OLDEST_REDIS:
                return found
            refused.append(f"{found.label} is older than {OLDEST_REDIS}.")
    except ServerError as fault:
        refused.append(str(fault))
    raise ServerError("\n".join(["No Redis server was found.", *refused, HOW_REDIS]))


def redis_candidates(places: tuple[str, ...], say: Callable[[str], None]) -> Iterator[RedisBinary]:
    for place in places:
        on_path = (shutil.which(name) for name in ("redis-server", "valkey-server"))
        servers = [Path(found) for found in on_path if found] if place == "path" else [embedded.redis_server(say)]
        for server in servers:
            major = version(server, r"v=(\d+)")
            where = str(server) if place == "path" else "out of a package"
            yield RedisBinary(server, major, f"{where}, version {major}")


def version(program: Path, pattern: str) -> int:
    """Return the major version that a program reports; 0 where it reports none."""
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    number = re.search(pattern, said.stdout)
    return int(number[1]) if number else 0


def runs_as(program: Path, account: Account) -> bool:
    try:
        tried = subprocess.run(  # noqa: S603 -- our own command
            [str(program), "--version"], capture_output=True, cwd="/", check=False, **identity(account)
        )
    except OSError:
        return False
    return tried.returncode == 0

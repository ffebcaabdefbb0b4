"""Where the server programs lie: on this machine, or in packages."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mall.servers import embedded
from mall.servers.processes import Account, Unavailable, identity

OLDEST_POSTGRES = 15
OLDEST_REDIS = 7
HOW_POSTGRES = "Install PostgreSQL 15 or newer (package `postgresql`), or set DATABASE_URL."
HOW_REDIS = "Install Redis 7 or newer (package `redis-server` or `valkey`) or a C compiler with make, or set REDIS_URL."


@dataclass(frozen=True)
class PostgresBinaries:
    folder: Path
    major: int
    label: str

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    def readable_by(self, account: Account | None, home: Path) -> PostgresBinaries:
        """These programs, copied to ``home`` where the account may not run them where they lie."""
        if account is None or runs_as(self.postgres, account):
            return self
        copy = home / f"postgres-{self.major}"
        if not runs_as(copy / "bin" / "postgres", account):
            shutil.copytree(self.folder.parent, copy, symlinks=True, dirs_exist_ok=True)
            subprocess.run(["chmod", "-R", "go+rX", str(copy)], check=True)  # noqa: S603, S607
        return replace(self, folder=copy / "bin")


@dataclass(frozen=True)
class RedisBinary:
    server: Path
    label: str


def choice(asked: str) -> tuple[str, ...]:
    """The places to look in, in order, for the value of MALL_SERVERS."""
    places = {"": ("path", "embedded"), "path": ("path",), "embedded": ("embedded",)}
    if asked not in places:
        raise Unavailable(f"MALL_SERVERS={asked} is unknown; it may be path or embedded.")
    return places[asked]


def find_postgres(places: tuple[str, ...], say: Callable[[str], None]) -> PostgresBinaries:
    refused = []
    if "path" in places:
        for folder in postgres_folders():
            if (major := postgres_major(folder)) >= OLDEST_POSTGRES:
                return PostgresBinaries(folder, major, f"{folder}, version {major}")
            refused.append(f"{folder} has version {major}, older than {OLDEST_POSTGRES}")
    if "embedded" in places:
        try:
            folder = embedded.postgres_folder(say)
        except Unavailable as fault:
            refused.append(str(fault))
        else:
            major = postgres_major(folder)
            return PostgresBinaries(folder, major, f"out of a package, version {major}")
    raise Unavailable("\n".join(["No PostgreSQL server was found.", *refused, HOW_POSTGRES]))


def postgres_folders() -> list[Path]:
    """Folders with both programs: on PATH first, then Debian's own place, newest first."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    found = shutil.which("postgres")
    candidates = [Path(found).resolve().parent] if found else []
    return [
        path
        for path in dict.fromkeys(candidates + debian)
        if all((path / name).exists() for name in ("postgres", "initdb"))
    ]


def postgres_major(folder: Path) -> int:
    return version(folder / "postgres", r"PostgreSQL\) (\d+)")


def find_redis(places: tuple[str, ...], say: Callable[[str], None]) -> RedisBinary:
    refused = []
    if "path" in places:
        for name in ("redis-server", "valkey-server"):
            if found := shutil.which(name):
                major = version(Path(found), r"v=(\d+)")
                if major >= OLDEST_REDIS:
                    return RedisBinary(Path(found), f"{found}, version {major}")
                refused.append(f"{found} has version {major}, older than {OLDEST_REDIS}")
    if "embedded" in places:
        try:
            server = embedded.redis_server(say)
        except Unavailable as fault:
            refused.append(str(fault))
        else:
            return RedisBinary(server, f"out of a package, version {version(server, r'v=(\d+)')}")
    raise Unavailable("\n".join(["No Redis server was found.", *refused, HOW_REDIS]))


def version(program: Path, pattern: str) -> int:
    """The major version that a program names; 0 where it names none."""
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    number = re.search(pattern, said.stdout)
    return int(number[1]) if number else 0


def runs_as(program: Path, account: Account) -> bool:
    try:
        tried = subprocess.run(
            [str(program), "--version"], capture_output=True, cwd="/", check=False, **identity(account)
        )  # noqa: S603
    except OSError:
        return False
    return tried.returncode == 0

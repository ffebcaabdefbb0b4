"""The two shops' environments: databases on one server, settings, and for Oscar a virtual environment of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from deploy.servers import Servers, processes

PROJECT = Path(__file__).resolve().parent.parent.parent.parent
OSCAR = PROJECT / ".tools" / "oscar"
# What Oscar's documentation asks for, at the versions that were measured, and the server that the mall runs in.
OSCAR_PACKAGES = (
    "django-oscar[sorl-thumbnail]==4.2.1", "django==6.1.3", "psycopg[binary,pool]==3.3.9", "whitenoise==6.12.0",
    "uvicorn==0.54.0", "uvloop", "httptools",
)  # fmt: skip
STAMP = OSCAR / "packages.txt"


@dataclass(frozen=True)
class Site:
    """One shop: the interpreter and the module that fill and serve it, and its database."""

    name: str
    python: str
    module: str
    environment: dict[str, str]
    port: int

    def fill(self) -> None:
        """Make the tables and put the goods on sale."""
        command = [self.python, "-W", "ignore", "-m", self.module]
        subprocess.run(command, env=self.environment, cwd=PROJECT, check=True)  # noqa: S603 -- our own command

    @contextmanager
    def served(self, log: Path) -> Iterator[None]:
        """Serve the shop by one worker while the block lasts."""
        command = (
            *(self.python, "-m", "uvicorn", f"{self.module}:application", "--port", str(self.port)),
            *("--lifespan", "off", "--no-access-log", "--log-level", "warning", "--timeout-keep-alive", "600"),
        )
        with log.open("wb") as lines:
            process = subprocess.Popen(  # noqa: S603 -- our own command
                command, env=self.environment, cwd=PROJECT, stdout=lines, stderr=subprocess.STDOUT
            )
            try:
                yield
            finally:
                process.terminate()
                process.wait()


def sites(servers: Servers, folder: Path, say: Callable[[str], None]) -> tuple[Site, Site]:
    """Return the mall and Oscar, each with an empty database on the same server."""
    python = oscar_python(say)
    oscar = site("oscar", python, "tests.benchmarks.commerce.oscar.site", servers, folder)
    return mall_site(servers, folder), oscar


def mall_site(servers: Servers, folder: Path, **environment: str) -> Site:
    """Return the mall."""
    return site("mall", sys.executable, "tests.benchmarks.commerce.mall_site", servers, folder, **environment)


def site(name: str, python: str, module: str, servers: Servers, folder: Path, **own: str) -> Site:
    """Return a shop on an empty database, with DEBUG off, static files, and a log without a line a request."""
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE shop_{name}")
    data, port = folder / name, processes.free_port()
    for part in ("static", "media"):
        (data / part).mkdir(parents=True, exist_ok=True)
    environment = (
        os.environ
        | {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": urlsplit(servers.database_url)._replace(path=f"/shop_{name}").geturl(),
            "REDIS_URL": servers.redis_url,
            "SHOP_DATA": str(data),
            "MALL_DATA": str(data),
            "STATIC_ROOT": str(data / "static"),
            "PUBLIC_PORT": str(port),
            "PROBE_SECONDS": "0",  # no host of the benchmark is to be found by its name
            "DEBUG": "",
            "DEMO": "",
        }
        | own
    )
    return Site(name, python, module, environment, port)


def oscar_python(say: Callable[[str], None]) -> str:
    """Return the interpreter of Oscar's environment, made from the package index where it is not there."""
    python = OSCAR / "bin" / "python"
    wanted = "\n".join(OSCAR_PACKAGES)
    if STAMP.exists() and STAMP.read_text() == wanted:
        return str(python)
    say("Getting django-oscar into an environment of its own ...")
    shutil.rmtree(OSCAR, ignore_errors=True)
    own_uv = PROJECT / ".tools" / "uv" / "bin" / "uv"
    uv = os.environ.get("UV") or shutil.which("uv") or str(own_uv)
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, OSCAR], check=True)  # noqa: S603 -- our own
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *OSCAR_PACKAGES], check=True)  # noqa: S603
    STAMP.write_text(wanted)
    return str(python)

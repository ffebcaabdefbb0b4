"""Docker Compose, asked about this farm: its files, its values, its containers."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.farm import FarmError

DEPLOY = Path(__file__).resolve().parent.parent
RUN = DEPLOY / "run"
"""What the commands write for the next ones: the numbers of nodes, and the balancer's lists; a folder a farm."""
SECRETS = DEPLOY / "secrets"
POOLS = {"web": "shared", "web-large": "large"}
"""Services of web nodes, and the names of their pools."""
NUMBERS = {"WEB": 3, "LARGE": 0, "HA": 0}
"""Nodes of each pool, and whether there are pairs, where nobody has said another number."""
NUMBERS_FILE = "numbers.env"
PAIRS = "HA"
"""The number, beside those of nodes, that is 1 where the farm has a second one of each part."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a service. ``health``: empty where the service has no check."""

    id: str
    name: str
    service: str
    number: int
    state: str
    health: str
    exit_code: int


class Farm:
    """A farm: ``mode`` is demo or production; ``project`` tells it from others on the same machine."""

    def __init__(self, mode: str, project: str) -> None:
        self.mode, self.project = mode, project
        own = DEPLOY / f"{mode}.env"
        if not own.exists():
            raise FarmError(f"{own} is not there; copy {own.name}.example to it, and fill it in.")
        self.folder = RUN / project
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_numbers(self.numbers())
        self._values = [DEPLOY / "images.env", own, self.folder / NUMBERS_FILE]

    @property
    def has_pairs(self) -> bool:
        """Return whether the farm was started with HA=1."""
        return bool(self.numbers()[PAIRS])

    @property
    def files(self) -> list[Path]:
        """Return the Compose files of this farm, each laid over the ones before."""
        names = ["compose.yaml"]
        for part, is_there in (("demo", self.mode == "demo"), ("ha", self.has_pairs)):
            names += [f"compose.{part}.yaml"] if is_there else []
        if self.mode == "demo" and self.has_pairs:
            names.append("compose.ha.demo.yaml")
        return [DEPLOY / name for name in names]

    @property
    def _command(self) -> list[str]:
        return [
            *("docker", "compose", "--project-name", self.project),
            *(word for file in self._values for word in ("--env-file", str(file))),
            *(word for file in self.files for word in ("--file", str(file))),
        ]

    def numbers(self) -> dict[str, int]:
        """Return the number of nodes of each pool."""
        path = self.folder / NUMBERS_FILE
        lines = path.read_text().splitlines() if path.exists() else []
        return NUMBERS | {name: int(value) for name, _, value in (line.partition("=") for line in lines)}

    def write_numbers(self, values: dict[str, int]) -> None:
        """Write the numbers, which each later command reads."""
        (self.folder / NUMBERS_FILE).write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    def run(self, *words: str, stdin: object = None, check: bool = True, seconds: float = 600) -> str:
        """Run a Compose command; return its standard output. Raise FarmError where it fails."""
        try:
            done = subprocess.run(  # noqa: S603 -- our own words
                [*self._command, *words],
                stdin=stdin if stdin is not None else subprocess.DEVNULL,  # type: ignore[call-overload]  # a file or a number
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise FarmError(
                f"docker compose {' '.join(words[:3])} did not end within {seconds:.0f} seconds."
            ) from error
        if check and done.returncode:
            raise FarmError(f"docker compose {' '.join(words[:3])} failed:\n{done.stderr.strip()[-2000:]}")
        return str(done.stdout)

    def show(self, *words: str) -> int:
        """Run a Compose command whose words go to the terminal; return its exit code."""
        return subprocess.run([*self._command, *words], stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S603

    def stream(self, *words: str, stdin: object = None, stdout: object = None) -> int:
        """Run a Compose command between files; return its exit code."""
        command = [*self._command, *words]
        return subprocess.run(command, stdin=stdin or subprocess.DEVNULL, stdout=stdout, check=False).returncode  # type: ignore[call-overload, no-any-return]  # noqa: S603

    def containers(self, *services: str) -> list[Container]:
        """Return the containers of services, running or not, by number."""
        found = []
        for line in self.run("ps", "--all", "--format", "json", *services).splitlines():
            row = json.loads(line)
            labels = dict(part.partition("=")[::2] for part in row["Labels"].split(","))
            found.append(
                Container(
                    id=row["ID"],
                    name=row["Name"],
                    service=row["Service"],
                    number=int(labels.get("com.docker.compose.container-number", "1")),
                    state=row["State"],
                    health=row.get("Health", ""),
                    exit_code=row.get("ExitCode", 0),
                )
            )
        return sorted(found, key=lambda container: (container.service, container.number))

    def running(self, *services: str) -> list[Container]:
        """Return the containers of services that run."""
        return [container for container in self.containers(*services) if container.state == "running"]


def docker(*words: str, check: bool = True, seconds: float = 120) -> str:
    """Run a command of Docker itself. Raise FarmError where it fails."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=seconds, check=False)  # noqa: S603, S607
    if check and done.returncode:
        raise FarmError(f"docker {' '.join(words[:2])} failed:\n{done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 600) -> None:
    """Wait for a condition. Raise FarmError after so many seconds."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise FarmError(f"Waited {seconds:.0f} seconds in vain for {what}.")
        time.sleep(0.5)


def say(line: str) -> None:
    """Write a line of a command, at once."""
    print(line, flush=True)  # noqa: T201 -- a program's voice


def farm_of_environment() -> Farm:
    """Return the farm that MODE and FARM of the environment mean."""
    mode = os.environ.get("MODE", "demo")
    if mode not in {"demo", "production"}:
        raise FarmError(f"MODE={mode} is neither demo nor production.")
    return Farm(mode, os.environ.get("FARM", "mall"))

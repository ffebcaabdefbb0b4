"""Switch off each defence once and see the suite notice: a table, of all mutants or of those named.

``python -m sessions_farm.communities.tests.support.mutation [NAME…]``

The tests run in projects of their own, each with SQLite and a copy of the farm: there they begin soonest, and an edit
meanwhile disturbs nobody.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sessions_farm.communities.tests.support.mutant import ROOT, TABLE, LostTextError, Mutant
from sessions_farm.communities.tests.support.mutants import BY_NAME, MUTANTS
from sessions_farm.tests.support.own_run import INI, SUITES, pytest_command

PYTEST = INI.read_text()
_, SETTINGS = SUITES["communities"]
AT_ONCE = 2
TIMEOUT = 300  # seconds for one mutant, on a machine that others use too
NOTICED = re.compile(r"^FAILED (.+?)(?: - .*)?$", re.MULTILINE)
GREEN, RED = 0, 1  # pytest's exit codes
OF_OTHERS = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PYTHONPATH", "SCALE", "MUTANT", "SESSIONS_FARM_TESTS_FOLDER"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant: who noticed, or why it proves nothing; neither where it survived."""

    mutant: Mutant
    seconds: float
    noticed_by: str = ""
    fault: str = ""

    @property
    def verdict(self) -> str:
        return "NO MUTANT" if self.fault else "caught" if self.noticed_by else "SURVIVED"


class Project:
    """An empty project with a copy of the farm, for one run of pytest at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "sessions_farm", folder / "sessions_farm", ignore=shutil.ignore_patterns("__pycache__"))
        self.ini = folder / "pytest.ini"
        self.ini.write_text(PYTEST)

    def pytest(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if name not in OF_OTHERS and "PYTEST" not in name}
        return subprocess.run(
            [*pytest_command(self.folder, self.ini), "-x", "-q", *arguments],
            cwd=self.folder,
            env=kept | {"DJANGO_SETTINGS_MODULE": SETTINGS, "PYTHONPATH": str(self.folder)} | environ,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def tried(self, mutant: Mutant) -> Outcome:
        """Run the tests that must notice, until one does."""
        began = time.monotonic()
        try:
            mutant.applied_to((self.folder / mutant.module).read_text())
            done = self.pytest(
                "-p", "sessions_farm.communities.tests.support.mutant_plugin", *mutant.tests, MUTANT=mutant.name
            )
        except LostTextError as error:
            return Outcome(mutant, time.monotonic() - began, fault=str(error))
        except subprocess.TimeoutExpired:
            return Outcome(mutant, time.monotonic() - began, fault=f"Its tests did not end within {TIMEOUT} s.")
        noticed = NOTICED.search(done.stdout)
        fault = "" if done.returncode == GREEN or (done.returncode == RED and noticed) else words_of(done)
        return Outcome(mutant, time.monotonic() - began, noticed[1] if noticed else "", fault)


class Table:
    """A line a mutant, as soon as it and those before it are done."""

    def __init__(self, mutants: list[Mutant]) -> None:
        self.name = max(len(mutant.name) for mutant in mutants)
        self.says = max(len(mutant.says) for mutant in mutants)
        say(f"{'defence':{self.name}}  {'without it':{self.says}}  seconds  verdict    noticed first by")

    def row(self, outcome: Outcome) -> None:
        mutant = outcome.mutant
        row = f"{mutant.name:{self.name}}  {mutant.says:{self.says}}  {outcome.seconds:7.1f}  {outcome.verdict:9}"
        say(f"{row}  {outcome.noticed_by}".rstrip())
        if outcome.fault:
            say("\n".join(f"    {line}" for line in outcome.fault.splitlines()))


def main(names: list[str]) -> int:
    """0 where each mutant was caught."""
    if unknown := [name for name in names if name not in BY_NAME]:
        say(f"There is no mutant {', '.join(unknown)}; {TABLE} names them all.")
        return 1
    mutants = [BY_NAME[name] for name in names] or MUTANTS
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        projects = [Project(Path(folder) / str(number)) for number in range(AT_ONCE)]
        baseline = projects[0].pytest(*sorted({test for mutant in mutants for test in mutant.tests}))
        if baseline.returncode != GREEN:
            say(f"The tests are red before any defence is off, so no mutant can be judged:\n{words_of(baseline)}")
            return 1
        caught = caught_of(mutants, projects)
    say(f"{caught} of {len(mutants)} caught")
    return 0 if caught == len(mutants) else 1


def caught_of(mutants: list[Mutant], projects: list[Project]) -> int:
    """Try each in whichever project is free; how many were caught."""
    free: queue.SimpleQueue[Project] = queue.SimpleQueue()
    for project in projects:
        free.put(project)

    def tried(mutant: Mutant) -> Outcome:
        project = free.get()
        try:
            return project.tried(mutant)
        finally:
            free.put(project)

    table, caught = Table(mutants), 0
    with ThreadPoolExecutor(len(projects)) as threads:
        for outcome in threads.map(tried, mutants):
            table.row(outcome)
            caught += outcome.verdict == "caught"
    return caught


def words_of(done: subprocess.CompletedProcess[str]) -> str:
    """The end of what pytest said."""
    return f"{done.stdout[-2500:]}\n{done.stderr[-2500:]}".strip()


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 -- a program's voice


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

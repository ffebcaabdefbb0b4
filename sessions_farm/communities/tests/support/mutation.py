"""Switch off each defence once and see the suite notice: a table, of all mutants or of those named.

``python -m sessions_farm.communities.tests.support.mutation [NAME…]``

The tests run in projects of their own, each with SQLite and a copy of the farm: there they begin soonest, and an edit
meanwhile disturbs nobody.

However slow the machine is, no clock decides. A test is never ended for taking long; a run is that says nothing for
many times as long as the same tests did without a mutant, and only if they still speak up without it: it hangs, and is
not caught. What noticed a mutant is run once more without it: a test that is red anyway noticed nothing.
"""

from __future__ import annotations

import enum
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from sessions_farm.communities.tests.support import mutants as handoff
from sessions_farm.communities.tests.support.mutant import LISTED, ROOT, LostTextError, Mutant, path_of
from sessions_farm.tests.support.own_run import INI, SUITES, pytest_command

PYTEST = re.sub(r"^timeout = .*$", "timeout = 0", INI.read_text(), flags=re.MULTILINE)
_, SETTINGS = SUITES["communities"]
AT_ONCE = 2
PATIENCE = 60.0  # seconds without a word, at least
GONE = 5.0  # seconds for the rest of what a program said
TIMES = 20  # as long as the longest silence of the same tests without a mutant
NOTICED = re.compile(r"^FAILED (.+?)(?: - .*)?$", re.MULTILINE)
GREEN, RED = 0, 1  # pytest's exit codes
TRIES = 3  # of tests that should be green
OF_OTHERS = {
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "PYTHONPATH",
    "SCALE",
    "MUTANT",
    "MUTANTS",
    "SESSIONS_FARM_TESTS_FOLDER",
}


class Verdict(enum.StrEnum):
    """What became of a mutant."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    HANGS = "HANGS"
    NO_MUTANT = "NO MUTANT"
    RED_ANYWAY = "RED ANYWAY"


@dataclass(frozen=True, slots=True)
class Run:
    """A program that ended, or that was ended because it said nothing any more."""

    returncode: int
    output: str
    longest_silence: float  # seconds
    hung: bool = False

    @property
    def failed(self) -> list[str]:
        """The tests that pytest says failed."""
        return NOTICED.findall(self.output)

    @property
    def words(self) -> str:
        """The end of what it said."""
        return self.output[-3000:].strip()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant: which test noticed, or why it proves nothing."""

    mutant: Mutant
    seconds: float
    verdict: Verdict
    noticed_by: str = ""
    fault: str = ""


def watched(command: list[str], folder: Path, environ: Mapping[str, str], patience: float) -> Run:
    """Run a program for as long as it goes on saying something; ``patience`` in seconds."""
    said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    )

    def listen() -> None:
        while piece := os.read(process.stdout.fileno(), 65536):
            said.put(piece)
        said.put(b"")

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    output, longest, hung = b"", 0.0, False
    while True:
        began = time.monotonic()
        try:
            piece = said.get(timeout=patience)
        except queue.Empty:
            hung = True
            process.kill()
            break
        longest = max(longest, time.monotonic() - began)
        if not piece:
            break
        output += piece
    process.wait()
    listener.join(GONE)
    if not listener.is_alive():  # a program that it started may still hold the pipe
        process.stdout.close()
    return Run(process.returncode, output.decode(errors="replace"), longest, hung=hung)


class Project:
    """An empty project with a copy of the farm, for one run of pytest at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "sessions_farm", folder / "sessions_farm", ignore=shutil.ignore_patterns("__pycache__"))
        ini = folder / "pytest.ini"
        ini.write_text(PYTEST)
        self.command = pytest_command(folder, ini)
        self.own = {"DJANGO_SETTINGS_MODULE": SETTINGS, "PYTHONPATH": str(folder)}

    def pytest(self, *arguments: str, patience: float, **environ: str) -> Run:
        """Run tests; each says its name when it begins (``-vv``, for the ini is quiet), so a silence is one test's."""
        kept = {name: value for name, value in os.environ.items() if name not in OF_OTHERS and "PYTEST" not in name}
        own = {"PYTHONUNBUFFERED": "1"} | self.own
        return watched([*self.command, "-vv", *arguments], self.folder, kept | own | environ, patience)

    def expected_green(self, tests: list[str], patience: float) -> Run:
        """Run tests that should pass; those that did not are run alone again, for chance or a crowd may have it."""
        run = self.pytest(*tests, patience=patience)
        longest = run.longest_silence
        for _ in range(TRIES - 1):
            if run.returncode == GREEN or not (again := run.failed):
                break
            run = self.pytest(*again, patience=patience)
        return replace(run, longest_silence=max(longest, run.longest_silence))

    def tried(self, mutant: Mutant, patience: float) -> Outcome:
        """Run the tests that must notice, until one does."""
        began = time.monotonic()

        def outcome(verdict: Verdict, noticed_by: str = "", fault: str = "") -> Outcome:
            return Outcome(mutant, time.monotonic() - began, verdict, noticed_by, fault)

        try:
            mutant.applied_to((self.folder / mutant.module).read_text())
        except LostTextError as error:
            return outcome(Verdict.NO_MUTANT, fault=str(error))
        plugin = "sessions_farm.communities.tests.support.mutant_plugin"
        mutated = {"MUTANT": mutant.name, LISTED: mutant.listed_in}
        while (run := self.pytest("-x", "-p", plugin, *mutant.tests, patience=patience, **mutated)).hung:
            if not self.pytest(*mutant.tests, patience=patience).hung:
                return outcome(Verdict.HANGS, fault=f"Its tests said nothing for {patience:.0f} s; without it they do.")
            patience *= 2  # the machine is slower than it was
        if run.returncode == GREEN:
            return outcome(Verdict.SURVIVED)
        if run.returncode != RED or not run.failed:
            return outcome(Verdict.NO_MUTANT, fault=run.words)
        return outcome(Verdict.CAUGHT, noticed_by=run.failed[0])


class Table:
    """A line a mutant, as soon as it and those before it are done."""

    def __init__(self, mutants: list[Mutant]) -> None:
        self.name = max(len(mutant.name) for mutant in mutants)
        self.says = max(len(mutant.says) for mutant in mutants)
        say(f"{'defence':{self.name}}  {'without it':{self.says}}  seconds  verdict     noticed first by")

    def row(self, outcome: Outcome) -> None:
        mutant = outcome.mutant
        row = f"{mutant.name:{self.name}}  {mutant.says:{self.says}}  {outcome.seconds:7.1f}  {outcome.verdict:10}"
        say(f"{row}  {outcome.noticed_by}".rstrip())
        if outcome.fault:
            say("\n".join(f"    {line}" for line in outcome.fault.splitlines()))


def main(names: list[str], listed: ModuleType = handoff, project: Callable[[Path], Project] = Project) -> int:
    """0 where each mutant was caught; ``listed`` is a module with ``MUTANTS``, and ``BY_NAME`` with controls too."""
    if unknown := [name for name in names if name not in listed.BY_NAME]:
        say(f"There is no mutant {', '.join(unknown)}; {path_of(listed.__name__)} names them all.")
        return 1
    mutants = [listed.BY_NAME[name] for name in names] or listed.MUTANTS
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        projects = [project(Path(folder) / str(number)) for number in range(AT_ONCE)]
        tests = sorted({test for mutant in mutants for test in mutant.tests})
        baseline = projects[0].expected_green(tests, patience=PATIENCE * TIMES)
        if baseline.returncode != GREEN:
            say(f"The tests are red before any defence is off, so no mutant can be judged:\n{baseline.words}")
            return 1
        patience = max(PATIENCE, TIMES * baseline.longest_silence)
        outcomes = outcomes_of(mutants, projects, patience)
        red_anyway = controlled(outcomes, projects[0], patience)
    caught = sum(outcome.verdict is Verdict.CAUGHT for outcome in outcomes) - len(red_anyway)
    say(f"{caught} of {len(mutants)} caught")
    return 0 if caught == len(mutants) else 1


def outcomes_of(mutants: list[Mutant], projects: list[Project], patience: float) -> list[Outcome]:
    """Try each in whichever project is free."""
    free: queue.SimpleQueue[Project] = queue.SimpleQueue()
    for project in projects:
        free.put(project)

    def tried(mutant: Mutant) -> Outcome:
        project = free.get()
        try:
            return project.tried(mutant, patience)
        finally:
            free.put(project)

    table, outcomes = Table(mutants), []
    with ThreadPoolExecutor(len(projects)) as threads:
        for outcome in threads.map(tried, mutants):
            table.row(outcome)
            outcomes.append(outcome)
    return outcomes


def controlled(outcomes: list[Outcome], project: Project, patience: float) -> list[Outcome]:
    """Run the tests that noticed without any mutant; return the outcomes of those that are red all the same."""
    noticed = sorted({outcome.noticed_by for outcome in outcomes if outcome.noticed_by})
    control = project.expected_green(noticed, patience) if noticed else None
    if control is None or control.returncode == GREEN:
        return []
    red = [outcome for outcome in outcomes if outcome.noticed_by in control.failed or not control.failed]
    for outcome in red:
        say(f"{outcome.mutant.name}: {Verdict.RED_ANYWAY}, {outcome.noticed_by} fails without it too.")
    return red


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 -- a program's voice


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

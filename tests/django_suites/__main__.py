"""``python -m tests.django_suites``: run Django's suites over the session engine, and compare with ``expected.toml``.

Names of runs choose some of them; ``--stock`` runs the suites with Django's own engine, which shows whether they pass
on this machine at all. Exits with 1 where a failure is unexplained, or an explained test passes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from deploy import servers
from tests.django_suites import expected, sdist

STORES = ("memory", "file", "database", "redis", "tiered")
MIXIN = "tests.django_suites.session_mixin"
SHORT = (
    "test_client",
    "test_client_regress",
    "messages_tests",
    "csrf_tests",
    "sessions_tests.tests.SessionMiddlewareTests",
)


@dataclass(frozen=True)
class Run:
    name: str
    labels: tuple[str, ...]
    store: str = ""
    database: str = "sqlite"


RUNS = (
    Run("mixin", (MIXIN,), database="postgresql"),
    Run("mixin-sqlite", (f"{MIXIN}.DatabaseTests", f"{MIXIN}.TieredTests")),
    *(Run(f"short-{store}", SHORT, store=store) for store in STORES),
    Run("auth", ("auth_tests",), store="database"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", help=f"{' '.join(run.name for run in RUNS)}; all where none is named")
    parser.add_argument("--stock", action="store_true", help="with Django's own engine")
    given = parser.parse_args()
    if unknown := set(given.runs) - {run.name for run in RUNS}:
        parser.error(f"no run is called {', '.join(sorted(unknown))}")
    chosen = [run for run in RUNS if not given.runs or run.name in given.runs]
    if given.stock:
        chosen = [run for run in chosen if run.store == "database"]
    tests = sdist.fetch_tests()
    with tempfile.TemporaryDirectory(prefix="mall-django-suites-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL's own user, where we are root, passes through
        with servers.running(Path(folder), durable=False, say=say) as running:
            say(running.took)
            addresses = {"DATABASE_URL": running.database_url, "REDIS_URL": running.redis_url}
            found = [judged(run, tests, Path(folder), addresses, stock=given.stock) for run in chosen]
    sys.exit(any(found))


def judged(run: Run, tests: Path, folder: Path, addresses: dict[str, str], *, stock: bool) -> list[str]:
    """Run, say how it went, and return the complaints."""
    began = time.monotonic()
    log = sdist.FOLDER / f"{run.name}.log"
    report = reported(run, tests, folder, log, addresses, stock=stock)
    if report is None:
        say(f"{run.name:<15} did not run to its end; see {log}")
        return [run.name]
    reasons = {} if stock else expected.explained()
    found = expected.complaints(report["failed"], run.labels, reasons)
    if run.store and not stock and not report["requests"]:
        found.append("no request met the engine")
    failed = f"{len(report['failed'])} failed ({len(set(report['failed']) & set(reasons))} explained)"
    say(
        f"{run.name:<15} {report['run']} tests, {failed}, {report['skipped']} skipped, "
        f"{report['requests']} requests through the engine, {time.monotonic() - began:.0f} s"
    )
    for complaint in found:
        say(f"  {complaint}; see {log}")
    return found


def reported(
    run: Run, tests: Path, folder: Path, log: Path, addresses: dict[str, str], *, stock: bool
) -> dict[str, object] | None:
    """Run Django's runtests.py in a process of its own; return its report, None where it did not come to one."""
    report = folder / f"{run.name}.json"
    given = {
        "DJANGO_SETTINGS_MODULE": "tests.django_suites.settings",
        "DJANGO_SUITES_ENGINE": "stock" if stock else "",
        "DJANGO_SUITES_STORE": run.store or "memory",
        "DJANGO_SUITES_DATABASE": run.database,
        "DJANGO_SUITES_FOLDER": str(folder / f"{run.name}-sessions"),
        "DJANGO_SUITES_REPORT": str(report),
        "PYTHONPATH": str(sdist.ROOT),
    }
    command = [sys.executable, "-m", "tests.django_suites.swapped", tests, *run.labels]
    with log.open("w") as output:
        environment = os.environ | addresses | given
        subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
    return json.loads(report.read_text()) if report.exists() else None


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 -- a program's voice


if __name__ == "__main__":
    main()

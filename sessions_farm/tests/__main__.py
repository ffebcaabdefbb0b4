"""Run the package's own tests, wherever it is installed: the engine's without communities, then the communities'.

``python -m sessions_farm.tests [engine|communities] [arguments for pytest]``

They need the extra ``test``. They use SQLite and no Redis, or the servers that DATABASE_URL (PostgreSQL, by a user who
may create databases) and REDIS_URL (an empty Redis) name; tests of servers that are missing are skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from sessions_farm.tests.support.own_run import ROOT, SUITES, pytest_command


def main(arguments: list[str]) -> int:
    """Run the suite that is named, or both; return 0 where all tests passed, else pytest's code."""
    suites = [*SUITES]
    if arguments and arguments[0] in SUITES:
        suites, arguments = arguments[:1], arguments[1:]
    codes = [run(*SUITES[suite], arguments) for suite in suites]
    return next((code for code in codes if code), 0)


def run(tests: str, settings: str, arguments: list[str]) -> int:
    """Run a folder of tests in a process of its own; return its exit code."""
    with tempfile.TemporaryDirectory(prefix="sessions-farm-") as folder:
        environ = os.environ | {"DJANGO_SETTINGS_MODULE": settings, "SESSIONS_FARM_TESTS_FOLDER": folder}
        # test_alone runs this command.
        command = [*pytest_command(), "--ignore", str(ROOT / "sessions_farm/tests/test_alone.py"), *arguments]
        return subprocess.run([*command, str(ROOT / tests)], env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

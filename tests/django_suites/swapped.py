"""``python -m tests.django_suites.swapped <folder of Django's tests> <label> ...``: one run of Django's runtests.py.

runtests.py fixes the installed apps itself, so it is imported, and the engine's app is added to its list.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def main(folder: Path, labels: list[str]) -> None:
    os.chdir(folder)  # Django's runner finds a package of tests below the current folder
    sys.path.insert(0, str(folder))
    with tempfile.TemporaryDirectory(prefix="django-suites-") as scratch:
        tempfile.tempdir = os.environ["TMPDIR"] = scratch
        import runtests  # noqa: PLC0415 -- it is found only now

        if os.environ.get("DJANGO_SUITES_ENGINE") != "stock":
            swap(runtests)
        failures = runtests.django_tests(
            verbosity=1,
            interactive=False,
            failfast=False,
            keepdb=False,
            reverse=False,
            test_labels=labels,
            debug_sql=False,
            parallel=1,
            tags=None,
            exclude_tags=["selenium"],
            test_name_patterns=None,
            start_at=None,
            start_after=None,
            pdb=False,
            buffer=False,
            timing=False,
            shuffle=False,
        )
    sys.exit(bool(failures))


def swap(runtests: Any) -> None:
    """Let runtests.py install the engine, and the package of the session mixin as if its label had been given."""
    runtests.ALWAYS_INSTALLED_APPS += ["sessions_farm", "sessions_tests"]
    place = runtests.ALWAYS_MIDDLEWARE.index("django.contrib.sessions.middleware.SessionMiddleware")
    runtests.ALWAYS_MIDDLEWARE[place : place + 1] = [
        "sessions_farm.web.middleware.StrictCookies",
        "sessions_farm.web.middleware.SessionMiddleware",
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])

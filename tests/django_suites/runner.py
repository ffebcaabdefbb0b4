"""The test runner that swaps the session engine under Django's tests and records how each test ended."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test.runner import DiscoverRunner


class RecordingRunner(DiscoverRunner):
    """Django's runner; writes the ids of tests that failed to the file that DJANGO_SUITES_REPORT names."""

    def setup_test_environment(self, **kwargs: Any) -> None:
        """Swap before the test modules are imported: some import the middleware themselves."""
        super().setup_test_environment(**kwargs)
        if settings.SESSION_ENGINE == "sessions_farm.engine":
            swap_middleware()

    def suite_result(self, suite: Any, result: Any, **kwargs: Any) -> int:
        failed = [id_of(test) for test, _ in [*result.failures, *result.errors]]
        failed += [id_of(test) for test in result.unexpectedSuccesses]
        report = {
            "run": result.testsRun,
            "failed": sorted(set(failed)),
            "skipped": len(result.skipped),
            "requests": served(),
        }
        Path(os.environ["DJANGO_SUITES_REPORT"]).write_text(json.dumps(report))
        return super().suite_result(suite, result, **kwargs)


def id_of(test: Any) -> str:
    """Return a test's dotted name; a subtest is its test's."""
    return getattr(test, "test_case", test).id()


def served() -> int:
    """Return the number of requests that the engine's middleware has answered in this process."""
    from sessions_farm.session.metrics import REQUESTS  # noqa: PLC0415 -- it needs the settings

    samples = [sample for metric in REQUESTS.collect() for sample in metric.samples]
    return int(sum(sample.value for sample in samples if sample.name.endswith("_total")))


def swap_middleware() -> None:
    """Put the engine's middleware in the place of Django's, which the tests name, and let the test clients keep up."""
    from django.contrib.sessions import middleware  # noqa: PLC0415 -- after the apps are loaded

    from sessions_farm.testing import stock_clients  # noqa: PLC0415 -- as above
    from sessions_farm.web.middleware import SessionMiddleware  # noqa: PLC0415 -- as above

    middleware.SessionMiddleware = SessionMiddleware
    stock_clients.install()

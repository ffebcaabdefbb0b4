"""How often tests repeat what chance decides: SCALE, 1 at ``make test`` and 10 at ``make prove``.

The fixture ``scale`` is the only way to it, and a test that asks for the fixture gets the marker of that name: so
``make prove`` (``-m scale``) runs each test that does more there, and no other.
"""

from __future__ import annotations

import os

import pytest

NAME = "scale"
SECONDS = 180  # pytest-timeout's limit where a test names none
LONGEST = 1800  # seconds


@pytest.fixture(scope="session")
def scale() -> int:
    """Return the factor for a test's counts."""
    return asked()


@pytest.fixture
def at_proof(scale: int) -> None:
    """Skip the test at ``make test``: what it shows takes long, or is shown small elsewhere."""
    if scale == 1:
        pytest.skip("It takes long: make prove.")


def asked() -> int:
    return int(os.environ.get("SCALE", "1"))


def counted(at_proof: int, scale: int) -> int:
    """Return ``at_proof`` at ``make prove`` and a hundredth of it, at least 1, at ``make test``."""
    return max(at_proof * scale**2 // 100, 1)


@pytest.hookimpl(tryfirst=True)  # before -m selects by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that ask for ``scale``, and allow them more time where they do more."""
    for item in items:
        reads, marked = NAME in getattr(item, "fixturenames", ()), item.get_closest_marker(NAME)
        if marked and not reads:
            raise pytest.UsageError(f"{item.nodeid} is marked {NAME} and does not ask for the fixture {NAME}.")
        if reads and not marked:
            item.add_marker(NAME)
            limit = item.get_closest_marker("timeout")
            seconds = (limit.args[0] if limit else SECONDS) * asked()
            item.add_marker(pytest.mark.timeout(min(seconds, LONGEST)), append=False)

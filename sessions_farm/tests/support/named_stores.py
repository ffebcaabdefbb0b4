"""The stores by name, as the settings choose them, for tests that go through the engine."""

from __future__ import annotations

import secrets

from sessions_farm.stores import NAMED
from sessions_farm.tests.support.stores_fixtures import REDIS_URL

NEED_REDIS = {"redis", "tiered"}

RUNNABLE = [name for name in NAMED if REDIS_URL or name not in NEED_REDIS]
FARM_WIDE = [name for name in RUNNABLE if name != "memory"]  # one process' own


def options_of(name, folder, **more):
    """``SESSIONS_FARM`` for a store that nobody else uses. A busy machine is not a broken Redis."""
    prefix = f"farm-{secrets.token_hex(4)}"
    return {
        "STORE": name,
        "FOLDER": str(folder),
        "REDIS_URL": REDIS_URL,
        "REDIS_PREFIX": prefix,
        "REDIS_TIMEOUT": 10,
    } | more

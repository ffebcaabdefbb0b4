"""The stores by name, as the settings choose them, for tests that go through the engine; and how much such tests do."""

from __future__ import annotations

import os
import secrets

from sessions_farm.stores import NAMED
from sessions_farm.tests.support.stores_fixtures import REDIS_URL

SCALE = int(os.environ.get("SCALE", "1"))
NEED_REDIS = {"redis", "tiered"}

RUNNABLE = [name for name in NAMED if REDIS_URL or name not in NEED_REDIS]
FARM_WIDE = [name for name in RUNNABLE if name != "memory"]  # one process' own


def counted(at_proof):
    """How many of something to do: ``at_proof`` at ``make prove`` (SCALE=10), a hundredth of it at ``make test``."""
    return max(at_proof * SCALE**2 // 100, 1)


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

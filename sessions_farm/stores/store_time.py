"""The present moment by the store's clock, for what is the first word of a request to the store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sessions_farm.clock import STORE_CLOCK
from sessions_farm.stores.effects.round_trips import current

if TYPE_CHECKING:
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.protocol import Clock


def now_effects(store: Clock) -> Effects[int]:
    """Return the moment by the store's clock; ask the store once a minute. Raise StoreUnavailableError.

    The question is the process's and counts as no round trip of the request that happens to ask it.
    """
    if STORE_CLOCK.is_due():
        asked, counter = time.monotonic(), current.get()
        trips = counter.trips
        moment = yield from store.clock()
        counter.trips = trips
        STORE_CLOCK.set(moment, asked)
    return STORE_CLOCK.now_ms()

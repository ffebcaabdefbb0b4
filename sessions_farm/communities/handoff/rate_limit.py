"""A rate limit by network (IPv4 /32, IPv6 /64): a fixed window of a minute, counted by each process for itself.

It bounds what one network makes the store keep: an answer is a code of 350 bytes for a minute, so 10 MB a process at
the default of ``HANDOFFS_PER_MINUTE``. It cannot tell shoppers from an attacker in their network, so it is generous.
Nothing that a client names is counted by, and no store is asked, so none can fail.

A process counts up to MAX_NETWORKS in a minute (4 MB). A further one is allowed uncounted: an attacker with so many
networks has left every limit by network behind, and a shopper among them is not to pay for it.
"""

from __future__ import annotations

import threading
import time

from django.http import HttpRequest

from sessions_farm.communities.conf import community_options
from sessions_farm.web import clients

MINUTE = 60
MAX_NETWORKS = 20_000


class RateLimit:
    """Counts actions by network, or by another name. Safe for threads."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._window = -1
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._counts)

    def allow(self, network: str, limit: int, now: float | None = None) -> bool:
        """Count one more action at a moment (monotonic seconds); return False beyond the limit of a minute."""
        return self.add(network, 1, now) <= limit

    def add(self, network: str, amount: int, now: float | None = None) -> int:
        """Add to the count of this minute; return the sum, 0 for a name that is not counted. With 0, only look."""
        window = int((time.monotonic() if now is None else now) // MINUTE)
        with self._lock:
            if window != self._window:
                self._counts, self._window = {}, window
            if network not in self._counts and len(self._counts) >= MAX_NETWORKS:
                return 0
            self._counts[network] = count = self._counts.get(network, 0) + amount
        return count

    def clear(self) -> None:
        """Count anew."""
        with self._lock:
            self._counts = {}


starts, answers = RateLimit(), RateLimit()


def allow(request: HttpRequest, limit: RateLimit) -> bool:
    """Count one more action of a request's network; False beyond ``HANDOFFS_PER_MINUTE`` (0: without a limit)."""
    most = community_options().handoffs_per_minute
    return not most or limit.allow(clients.network_of(request), most)

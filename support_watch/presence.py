"""Presence on a vendor's watched pages, by ASPBroker's three queries: count, list and value."""

from __future__ import annotations

import logging

from redis.exceptions import RedisError

from support_watch.feed import reads
from support_watch.feed.connections import query_client
from support_watch.feed.events import Visitor
from vendors.models import Vendor

logger = logging.getLogger(__name__)
KEYS = ("name", "since", "path", "title")


class Presence:
    """``session_count()``, ``session_list()`` and ``value(key, visit)``, each as of the moment of the call.

    Visits have ids of their own where ASPBroker gave session ids, so that no session id leaves the farm.
    """

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    def snapshot(self) -> reads.Snapshot | None:
        """Return the present visitors, the latest arrival first; None where Redis does not answer."""
        try:
            with query_client() as client:
                return reads.snapshot_now(client, self.vendor.pk)
        except RedisError as error:
            logger.warning("The presence on %s's pages cannot be read: %s", self.vendor.slug, error)
            return None

    def visitors(self) -> list[Visitor]:
        """Return the present visitors; none where Redis does not answer."""
        snapshot = self.snapshot()
        return snapshot.present if snapshot else []

    def session_count(self) -> int:
        """Return the number of present visitors."""
        return len(self.visitors())

    def session_list(self) -> list[str]:
        """Return the visit ids of the present visitors."""
        return [visitor["visit"] for visitor in self.visitors()]

    def value(self, key: str, visit: str) -> str:
        """Return one of KEYS of a visit as text, empty where the visit is over; raise KeyError for another key."""
        if key not in KEYS:
            raise KeyError(f"{key!r} is not shared; ask for one of {', '.join(KEYS)}.")
        found = next((visitor for visitor in self.visitors() if visitor["visit"] == visit), None)
        if found is None:
            return ""
        return str({**found["page"], "name": found["name"], "since": found["since"]}[key])

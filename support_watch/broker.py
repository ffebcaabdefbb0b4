"""ASPBroker's questions about a vendor's watched pages: how many, who, and what is known of each."""

from __future__ import annotations

import logging

from redis.exceptions import RedisError

from support_watch import feed
from support_watch.connections import patient
from support_watch.events import Visitor
from vendors.models import Vendor

logger = logging.getLogger(__name__)
KEYS = ("name", "since", "path", "title")


class Broker:
    """``session_count()``, ``session_list()`` and ``value(key, visit)``, each as of the moment it is asked.

    A visit's id stands where ASPBroker gave the session's: nothing that opens a session leaves the farm.
    """

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    def snapshot(self) -> feed.Snapshot | None:
        """Who is here, the latest arrival first; None where Redis does not answer."""
        try:
            with patient() as client:
                return feed.snapshot_now(client, self.vendor.pk)
        except RedisError as error:
            logger.warning("Who is on %s's pages cannot be read: %s", self.vendor.slug, error)
            return None

    def visitors(self) -> list[Visitor]:
        snapshot = self.snapshot()
        return snapshot.present if snapshot else []

    def session_count(self) -> int:
        return len(self.visitors())

    def session_list(self) -> list[str]:
        return [visitor["visit"] for visitor in self.visitors()]

    def value(self, key: str, visit: str) -> str:
        """One of KEYS of a visit, as text; empty where the visit is over. Raise KeyError for another key."""
        if key not in KEYS:
            raise KeyError(f"{key!r} is not shared; ask for one of {', '.join(KEYS)}.")
        found = next((visitor for visitor in self.visitors() if visitor["visit"] == visit), None)
        if found is None:
            return ""
        return str({**found["page"], "name": found["name"], "since": found["since"]}[key])

"""Presence on a vendor's watched pages, by ASPBroker's four calls: set keys, count, list and value."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError

from sessions_farm.conf import declaration_of
from sessions_farm.session import queries
from sessions_farm.stores.base import StoreUnavailableError
from support_watch.consent import Level
from support_watch.feed import reads
from support_watch.feed.connections import query_client
from support_watch.feed.events import Visitor
from vendors.models import Vendor

logger = logging.getLogger(__name__)
KEYS = ("name", "since", "state", "path", "title")


def shared_variables() -> Mapping[str, Level]:
    """Return the session's variables that staff may see, each with the consent that it needs.

    The setting names them; a variable that is guarded, or not declared shared, is never among them.
    """
    named: dict[str, int] = getattr(settings, "SUPPORT_WATCH_KEYS", {})
    return {
        name: Level(level)
        for name, level in named.items()
        if declaration_of(name).shared and not declaration_of(name).guarded
    }


class Presence:
    """``set_keys()``, ``session_count()``, ``session_list()`` and ``value(key, visit)``, as of the moment of the call.

    Visits have ids of their own where ASPBroker gave session ids, so that no session id leaves the farm.
    """

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self.keys: tuple[str, ...] = KEYS

    def set_keys(self, *keys: str) -> None:
        """Choose the values of ``session_values``; raise KeyError for a key that is not shared."""
        for key in keys:
            self._level_of(key)
        self.keys = keys

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

    def session_values(self) -> list[dict[str, str]]:
        """Return the present visitors with the values of the chosen keys."""
        return [
            {"visit": visitor["visit"], **{key: self._value_for(visitor, key) for key in self.keys}}
            for visitor in self.visitors()
        ]

    def value(self, key: str, visit: str) -> str:
        """Return a shared value of a visit as text, empty where the visit is over or its shopper allows less.

        Raise KeyError for a key that is not shared.
        """
        self._level_of(key)
        found = next((visitor for visitor in self.visitors() if visitor["visit"] == visit), None)
        return self._value_for(found, key) if found is not None else ""

    def _value_for(self, visitor: Visitor, key: str) -> str:
        if key in KEYS:
            return str({**visitor["page"], **visitor}[key])
        if visitor["level"] < self._level_of(key):
            return ""
        return self._variable(key, visitor["visit"])

    def _variable(self, name: str, visit: str) -> str:
        """Return a variable of the visit's session, by the engine's queries."""
        try:
            with query_client() as client:
                handle = reads.handle_of(client, self.vendor.pk, visit)
            found: Any = queries.value(name, handle) if handle else None
        except (RedisError, StoreUnavailableError) as error:
            logger.warning("A shared value of %s's visitors cannot be read: %s", self.vendor.slug, error)
            return ""
        return "" if found is None else str(found)

    def _level_of(self, key: str) -> Level:
        """Return the consent that a key needs; raise KeyError for a key that is not shared."""
        if key in KEYS:
            return Level.PRESENCE
        variables = shared_variables()
        if key not in variables:
            raise KeyError(f"{key!r} is not shared; ask for one of {', '.join((*KEYS, *variables))}.")
        return variables[key]

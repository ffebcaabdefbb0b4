"""The lifetime of a session, calculated from its variables; and its end as Django's methods say it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from sessions_farm.conf import Options, options
from sessions_farm.declarations import OWNER
from sessions_farm.session.variables import EXPIRY, SIGNED_IN, STAFF, Variables
from sessions_farm.stores.base import Header, Lifetime

# The variables that decide how long a session lives.
LIFETIME_NAMES = frozenset({SIGNED_IN, STAFF, EXPIRY, OWNER, "_auth_user_id"})


def lifetime_of(texts: Mapping[str, str], options: Options, created: int, now: int) -> Lifetime:
    """Return idle time and absolute end in milliseconds, from the variables as text.

    Django's ``set_expiry`` is honoured: seconds are an idle time, a moment is an end. Neither makes a session of staff
    idle longer than ``IDLE_STAFF``, nor any session live beyond ``ABSOLUTE``.
    """
    staff = is_staff(texts)
    idle = idle_seconds(texts, options, staff=staff) * 1000
    ends = created + options.absolute * 1000
    custom = json.loads(texts.get(EXPIRY, "null"))
    if isinstance(custom, str):
        moment = int(datetime.datetime.fromisoformat(custom).timestamp() * 1000)
        ends = min(ends, moment)
        idle = max(moment - now, 1)
    elif custom:
        idle = max(int(custom * 1000), 0)
    if staff:
        idle = min(idle, options.idle_staff * 1000)
    return Lifetime(idle, ends)


class Expiry(SessionBase):
    """The part of SessionStore that says when the session ends: as Django does, and by the time-outs in force here."""

    if TYPE_CHECKING:  # what SessionStore has
        _session_cache: Variables
        _header: Header | None

        @property
        def is_loaded(self) -> bool: ...

    def get_session_cookie_age(self) -> int:
        """Return the idle time where ``set_expiry`` says nothing: of this session if it is loaded, else of any."""
        texts = self._texts()
        return idle_seconds(texts, options(), staff=is_staff(texts))

    def get_expiry_age(self, **given: Any) -> int:
        return min(super().get_expiry_age(**given), self._longest(given))

    async def aget_expiry_age(self, **given: Any) -> int:
        return min(await super().aget_expiry_age(**given), self._longest(given))

    def get_expiry_date(self, **given: Any) -> datetime.datetime:
        return min(
            super().get_expiry_date(**given), moment_of(given) + datetime.timedelta(seconds=self._longest(given))
        )

    async def aget_expiry_date(self, **given: Any) -> datetime.datetime:
        date = await super().aget_expiry_date(**given)
        return min(date, moment_of(given) + datetime.timedelta(seconds=self._longest(given)))

    def _longest(self, given: dict[str, Any]) -> int:
        """Return the seconds that are left to the session at most, whatever ``set_expiry`` was given."""
        now = int(moment_of(given).timestamp() * 1000)
        created = self._header.created if self._header else now
        left = (created + options().absolute * 1000 - now) // 1000
        return min(left, options().idle_staff) if is_staff(self._texts()) else left

    def _texts(self) -> Mapping[str, str]:
        return self._session_cache.texts() if self.is_loaded else {}


def moment_of(given: dict[str, Any]) -> datetime.datetime:
    """Return the moment from which Django's arguments count."""
    moment: datetime.datetime = given.get("modification") or timezone.now()
    return moment


def is_staff(texts: Mapping[str, str]) -> bool:
    return texts.get(STAFF) == "true"


def idle_seconds(texts: Mapping[str, str], options: Options, *, staff: bool) -> int:
    if staff:
        return options.idle_staff
    signed_in = SIGNED_IN in texts or "_auth_user_id" in texts
    return options.idle_signed_in if signed_in else options.idle

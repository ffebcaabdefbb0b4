"""The lifetime of a session, calculated from its variables."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping

from sessions_farm.conf import Options
from sessions_farm.declarations import OWNER
from sessions_farm.session.variables import EXPIRY, SIGNED_IN, STAFF
from sessions_farm.stores.base import Lifetime

# The variables that decide how long a session lives.
LIFETIME_NAMES = frozenset({SIGNED_IN, STAFF, EXPIRY, OWNER, "_auth_user_id"})


def lifetime_of(texts: Mapping[str, str], options: Options, created: int, now: int) -> Lifetime:
    """Return idle time and absolute end in milliseconds, from the variables as text.

    Django's ``set_expiry`` is honoured: seconds are an idle time, a moment is an end. Neither makes a session of staff
    idle longer than ``IDLE_STAFF``, nor any session live beyond ``ABSOLUTE``.
    """
    staff = texts.get(STAFF) == "true"
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


def idle_seconds(texts: Mapping[str, str], options: Options, *, staff: bool) -> int:
    if staff:
        return options.idle_staff
    signed_in = SIGNED_IN in texts or "_auth_user_id" in texts
    return options.idle_signed_in if signed_in else options.idle

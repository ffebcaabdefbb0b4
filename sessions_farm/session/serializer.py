"""Values as JSON text: what Django's JSON session serializer takes, one text for each variable.

JSON and nothing else: a store that somebody can write to must not be able to run code here, as pickles can.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sessions_farm.conf import options

NAME_LIMIT = 200
NAMELESS = re.compile("[\0\ud800-\udfff]")  # what not every store can write


class TooLargeError(ValueError):
    """A variable is beyond what a session may hold."""


def encode(name: str, value: Any) -> str:
    """Raise TypeError for what JSON cannot say, TooLarge beyond ``VARIABLE_LIMIT``."""
    text = json.dumps(value, separators=(",", ":"))
    if len(text) > options().variable_limit:
        raise TooLargeError(
            f"The session variable {name!r} is {len(text)} bytes long; {options().variable_limit} are allowed. "
            "Keep a key to the data in the session, and the data in its own table."
        )
    return text


def decode(text: str) -> Any:
    return json.loads(text)


def require_name(name: object) -> None:
    """Raise TypeError or ValueError for what cannot name a variable in every store."""
    if not isinstance(name, str):
        raise TypeError(f"A session variable is named by a string; {name!r} is none.")
    if not 0 < len(name) <= NAME_LIMIT or NAMELESS.search(name):
        raise ValueError(
            f"{name[:20]!r}… names no session variable: 1 to {NAME_LIMIT} characters, no NUL or surrogate."
        )

"""Values of variables as JSON text, with the same types as Django's JSON session serializer.

JSON alone: a pickle in the store would let anyone who can write to the store run code here.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sessions_farm.conf import options

NAME_LIMIT = 200
FORBIDDEN = re.compile("[\0\ud800-\udfff]")  # characters that not every store can write


class TooLargeError(ValueError):
    """A variable or a session is larger than the settings allow."""


def encode(name: str, value: Any) -> str:
    """Return a value as JSON text. Raise TypeError outside JSON's types, TooLargeError beyond VARIABLE_LIMIT."""
    text = json.dumps(value, separators=(",", ":"))
    if len(text) > options().variable_limit:
        raise TooLargeError(
            f"The session variable {name!r} is {len(text)} bytes long; {options().variable_limit} are allowed. "
            "Keep a key to the data in the session, and the data in its own table."
        )
    return text


def decode(text: str) -> Any:
    """Return the value of a JSON text."""
    return json.loads(text)


def name_of(key: object) -> str:
    """Return a key as the name of a variable: JSON makes texts of others, as Django's JSON sessions do (1 and "1").

    Raise TypeError for a key that JSON has no text for.
    """
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, int | float):
        return json.dumps(key)
    raise TypeError(f"A session variable is named by a text, a number or None, not by {key!r}.")


def require_name(name: str) -> None:
    """Raise ValueError for a name that not every store can hold."""
    if not 0 < len(name) <= NAME_LIMIT or FORBIDDEN.search(name):
        raise ValueError(
            f"{name[:20]!r}… names no session variable: 1 to {NAME_LIMIT} characters, no NUL or surrogate."
        )

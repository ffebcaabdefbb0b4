"""Variables with a time to live (SemaphoreServer's time-out per item): the text itself says until when it is good.

So the rule is the same in every store, and an expired value costs no write.
"""

from __future__ import annotations

import json
from typing import Any

from sessions_farm.clock import now_ms
from sessions_farm.session import serializer


def encode(name: str, value: Any, seconds: int) -> str:
    """Return a text that is good for ``seconds`` from now."""
    return serializer.encode(name, {"until": now_ms() + seconds * 1000, "value": value})


def is_fresh(text: str) -> bool:
    """Return whether the value is still good. A text from before the declaration has no time, and is not."""
    content = json.loads(text)
    return isinstance(content, dict) and content.keys() == {"until", "value"} and now_ms() < content["until"]


def value_in(text: str) -> Any:
    """Return the value of a text of ``encode``."""
    return json.loads(text)["value"]

"""Variables with a time of their own (SemaphoreServer's time-out per item): the text says until when it is good.

So it is the same in every store, and a value that has gone costs nobody a write.
"""

from __future__ import annotations

import json
from typing import Any

from sessions_farm.session import serializer
from sessions_farm.stores.base import now_ms


def closed(name: str, value: Any, seconds: int) -> str:
    return serializer.encode(name, {"until": now_ms() + seconds * 1000, "value": value})


def is_fresh(text: str) -> bool:
    """Whether the value is still good. What was stored before the name was declared has no time, and so is none."""
    content = json.loads(text)
    return isinstance(content, dict) and content.keys() == {"until", "value"} and now_ms() < content["until"]


def opened(text: str) -> Any:
    return json.loads(text)["value"]

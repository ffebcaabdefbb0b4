"""Tell robots by their User-Agent, from a list that is kept for all projects (crawler-user-agents)."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

AT_ONCE = 25  # patterns in one expression: more are slower to search, for no literal text is common to them
# The list has bare words ("Sonic", "YaK"). Each begins where a word begins, so no telephone has one in the middle of
# its name.
WORD_START = r"(?<![A-Za-z])"


@lru_cache(maxsize=1024)  # most visitors have one of few browsers
def is_robot(user_agent: str) -> bool:
    """Return whether a User-Agent names a robot or a tool, as honest ones do."""
    return any(pattern.search(user_agent) for pattern in _patterns())


@cache
def _patterns() -> list[re.Pattern[str]]:
    """Return the list's patterns, AT_ONCE of them in each expression; compiled at the first need."""
    patterns = [entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA]
    return [
        re.compile(f"{WORD_START}(?:{'|'.join(patterns[start : start + AT_ONCE])})")
        for start in range(0, len(patterns), AT_ONCE)
    ]

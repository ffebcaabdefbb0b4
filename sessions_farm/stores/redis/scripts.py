"""The Lua scripts: each is one atomic operation and one round trip. prelude.lua says how a session lies in Redis.

A script is sent as constants from the settings, the prelude, and its own file. A line ``-- PRELUDE`` in the file puts
both there instead of before it, because making the prelude's functions takes Lua a while.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from sessions_farm.declarations import OWNER, TERM_LIMIT
from sessions_farm.stores.base import IDEMPOTENCY_KEYS_KEPT, NEVER, TOUCH_FRACTION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sessions_farm.conf import Options

FEED_LENGTH = 1000
MARGIN_MS = 3_600_000  # how long a hash outlives its session, so that the sweeper can read its final variables
COPY_MARGIN_MS = 60_000
UNSWEPT_MS = MARGIN_MS // 2  # how long after its end a session waits for the sweeper, before new ones remove it
EVENTS_KEPT = 86_400  # seconds for which events wait for their delivery, which is given up then
PRELUDE_HERE = "-- PRELUDE\n"


class Script:
    """A script's text, and the digest that Redis knows it by."""

    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def read_sources(folder: Path) -> dict[str, str]:
    """Return the texts of a folder's Lua files by name, ``prelude`` among them."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.lua"))}


SOURCES = read_sources(Path(__file__).parent)


def compile_scripts(options: Options, sources: Mapping[str, str], *, alone: bool) -> dict[str, Script]:
    """Return the scripts of a store by name. ``alone``: Redis decides; else it has copies of rows in SQL."""
    shared = constants(options, alone=alone) + sources["prelude"]
    scripts = {}
    for name, source in sources.items():
        if name != "prelude":
            before, _, rest = source.rpartition(PRELUDE_HERE)
            scripts[name] = Script(f"local TOUCH_FRACTION = {TOUCH_FRACTION}\n{before}{shared}{rest}")
    return scripts


def constants(options: Options, *, alone: bool) -> str:
    """Return the settings as Lua's local variables."""
    declared = options.variables
    indexed, shared = declared.indexed(), declared.shared()
    names = sorted({*indexed, *shared, OWNER})

    def listed(texts: list[str]) -> str:
        return "{" + ", ".join(quoted(text) for text in texts) + "}"

    def flags(chosen: list[str]) -> str:
        return "{" + ", ".join(str(name in chosen).lower() for name in names) + "}"

    values = {
        "PREFIX": quoted(options.redis_prefix),
        "ALONE": str(alone).lower(),
        "EVENTS": str(options.events).lower(),
        "CAPPED": str(options.max_live > 0).lower(),
        "MARGIN": MARGIN_MS if alone else COPY_MARGIN_MS,
        "NEVER": NEVER,
        "TERM_LIMIT": TERM_LIMIT,
        "IDEMPOTENCY_KEYS_KEPT": IDEMPOTENCY_KEYS_KEPT,
        "FEED_LENGTH": FEED_LENGTH,
        "UNSWEPT": UNSWEPT_MS,
        "EVENTS_KEPT": EVENTS_KEPT,
        "OWNER_AT": names.index(OWNER) + 1,
        "NAMES": listed(names),
        "FIELDS": listed([f":{name}" for name in names]),
        "INDEXED": flags(indexed),
        "SHARED": flags(shared),
        "SHOWN": listed([f":{name}" for name in shared]),
    }
    return "".join(f"local {name} = {value}\n" for name, value in values.items())


def quoted(text: str) -> str:
    """Return any text as a string of Lua, byte by byte."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'

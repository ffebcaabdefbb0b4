"""The Lua scripts of the feed, each one atomic operation on one vendor's keys."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "lua"


@cache
def source(name: str) -> str:
    """Return the source of lua/<name>.lua behind the prelude that all scripts share."""
    return (FOLDER / "prelude.lua").read_text() + (FOLDER / f"{name}.lua").read_text()


def root_key(vendor_id: int) -> str:
    """Return the prefix of all keys of a vendor's feed; its braces put them into one cluster slot."""
    return f"{{watch:{vendor_id}}}"


def stream_key(vendor_id: int) -> str:
    """Return the key of a vendor's event stream."""
    return f"{root_key(vendor_id)}:events"

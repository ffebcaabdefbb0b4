"""The Lua scripts of the feed, each one atomic step on one vendor's keys."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "lua"


@cache
def source(name: str) -> str:
    """The text of lua/<name>.lua behind the prelude that all share."""
    return (FOLDER / "prelude.lua").read_text() + (FOLDER / f"{name}.lua").read_text()


def root_key(vendor_id: int) -> str:
    """All keys of a vendor's feed begin with this; the braces put them into one slot."""
    return f"{{watch:{vendor_id}}}"


def stream_key(vendor_id: int) -> str:
    return f"{root_key(vendor_id)}:events"

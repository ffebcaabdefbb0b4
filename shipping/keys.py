"""The idempotency key of a consignment's revision; every other identifier of a dispatch derives from it."""

import re
import secrets
from datetime import datetime
from uuid import UUID

KEY = re.compile(r"csg_[0-9a-f]{32}_r[1-9][0-9]{0,4}")


def new_root(now: datetime) -> UUID:
    """Return a UUID version 7 (RFC 9562, 5.7): roots of later consignments sort behind those of earlier ones."""
    milliseconds = int(now.timestamp() * 1000)
    value = (milliseconds << 80) | (0x7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62) | secrets.randbits(62)
    return UUID(int=value)


def make_key(root: UUID, revision: int) -> str:
    """Return the idempotency key of a revision. It holds no dot, which Standard Webhooks uses as its separator."""
    return f"csg_{root.hex}_r{revision}"


def parse_root(key: str) -> UUID:
    """Return the root in a key; raise ValueError for any other text."""
    if not KEY.fullmatch(key):
        raise ValueError(f"Not a consignment's key: {key!r}; it looks like csg_<32 hex digits>_r<revision>.")
    return UUID(hex=key[4:36])


def file_name(key: str, digest: str) -> str:
    """Return the name of the file that carries a body; it is made of ids only, never of typed text."""
    if not KEY.fullmatch(key):
        raise ValueError(f"Not a consignment's key: {key!r}; no file is named after it.")
    return f"{key}_{digest[:8]}.json"

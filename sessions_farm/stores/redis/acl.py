"""The least rights of the farm's users at Redis and at its Sentinels, as lines of an ACL file."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sessions_farm.stores.redis.address import address_of
from sessions_farm.stores.redis.client import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions_farm.conf import Options

STORES = Path(__file__).parents[1]
BEGINNING = ("select",)  # of a connection
AT_SENTINELS = ("ping", "sentinel|masters")
CALL = re.compile(r"""redis\.p?call\(\s*["'](\w+)["']""")
NO_PASSWORD = "#<the SHA-256 of the password, in hexadecimal>"  # noqa: S105 -- names the missing part


def acl_lines(options: Options) -> list[str]:
    """Return the lines of the farm's user at Redis and, with Sentinels, of its user there. Passwords are hashed.

    Raise ImproperlyConfigured where REDIS_URL cannot be read.
    """
    address = address_of(options)
    keys = f"~{literally(options.redis_prefix)}:*"
    lines = [line_of(address.login, [keys, *rights(sorted({*BEGINNING, *COMMANDS, *called_by_scripts()}))])]
    if address.sentinels:
        lines.append(line_of(address.sentinel_login, rights(AT_SENTINELS)))
    return lines


def called_by_scripts() -> Iterator[str]:
    """Yield the commands of all scripts: Redis asks for the caller's right to each of them too."""
    for script in STORES.glob("*/*.lua"):
        yield from (name.lower() for name in CALL.findall(script.read_text(encoding="utf-8")))


def rights(commands: list[str] | tuple[str, ...]) -> list[str]:
    """Return the rules that allow commands."""
    return [f"+{command}" for command in commands]


def line_of(login: dict[str, Any], rules: list[str]) -> str:
    """Return a user's line. ``reset`` first takes away all keys, channels and commands."""
    password = login.get("password")
    proof = f"#{hashlib.sha256(password.encode()).hexdigest()}" if password else NO_PASSWORD
    return " ".join(["user", login.get("username", "farm"), "reset", "on", proof, *rules])


def literally(text: str) -> str:
    """Return a glob pattern that matches only the text itself."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", text)

"""The least rights that the farm's users need at Redis and at its Sentinels, as lines of an ACL file."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from sessions_farm.stores.redis import lua, lua_queries, lua_sessions
from sessions_farm.stores.redis.address import address_of
from sessions_farm.stores.redis.effects import COMMANDS
from sessions_farm.stores.tiered import lua_copies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions_farm.conf import Options

SCRIPTS = (lua, lua_queries, lua_copies, lua_sessions)
BEGINNING = ("select",)  # of a connection
AT_SENTINELS = ("ping", "sentinel|masters")
CALL = re.compile(r"redis\.p?call\(\s*'(\w+)'")
NO_PASSWORD = "#<the SHA-256 of the password, in hexadecimal>"  # noqa: S105 -- says what is missing


def acl_lines(options: Options) -> list[str]:
    """The farm's user at Redis and, where there are Sentinels, its user there. Passwords are in them as hashes only.

    Raise ImproperlyConfigured where REDIS_URL cannot be read.
    """
    address = address_of(options)
    keys = f"~{literally(options.redis_prefix)}:*"
    lines = [line_of(address.login, [keys, *rights(sorted({*BEGINNING, *COMMANDS, *called_by_scripts()}))])]
    if address.sentinels:
        lines.append(line_of(address.sentinel_login, rights(AT_SENTINELS)))
    return lines


def called_by_scripts() -> Iterator[str]:
    """Redis asks for the caller's right to each command of a script too."""
    for module in SCRIPTS:
        for text in vars(module).values():
            if isinstance(text, str):
                yield from (name.lower() for name in CALL.findall(text))


def rights(commands: list[str] | tuple[str, ...]) -> list[str]:
    return [f"+{command}" for command in commands]


def line_of(login: dict[str, Any], rules: list[str]) -> str:
    """``reset`` takes everything away first: keys, channels and commands."""
    password = login.get("password")
    proof = f"#{hashlib.sha256(password.encode()).hexdigest()}" if password else NO_PASSWORD
    return " ".join(["user", login.get("username", "farm"), "reset", "on", proof, *rules])


def literally(text: str) -> str:
    """As a glob pattern that matches the text itself."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", text)

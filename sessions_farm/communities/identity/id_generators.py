"""A community's own beginning of its ids: from a function of the project, or from an address that answers with one.

What a generator gives is only a beginning: 128 random bits follow, so that a date stamp or a counter makes no id that
can be guessed. A generator that fails never costs a page: the id is the built-in one then, and the log says why.
"""

from __future__ import annotations

import http.client
import logging
import re
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)

PREFIX = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
TIMEOUT = 0.5  # seconds that a first page may wait for an address
REST = 10.0  # seconds in which an address that failed is not asked again
resting: dict[str, float] = {}  # until when, by address


class InvalidPrefixError(Exception):
    """The generator answered, but not with what may begin an id."""


def prefix_by(generator: str, member: Any) -> str:
    """The beginning of the next id, for this member of the community; '' without a generator, or where it fails."""
    if not generator or resting.get(generator, 0) > time.monotonic():
        return ""
    try:
        return checked(fetched(generator) if "://" in generator else str(import_string(generator)(member)))
    except Exception as error:  # noqa: BLE001 -- the project's own function may raise anything
        logger.error("The id generator %s failed, the built-in one serves: %s", generator, error)  # noqa: TRY400 -- the message says it all
        resting[generator] = time.monotonic() + REST
        return ""


def checked(beginning: str) -> str:
    if not PREFIX.fullmatch(beginning):
        raise InvalidPrefixError(f"it gave {beginning[:80]!r}; an id begins with 1 to 64 of A-Z a-z 0-9 _ -")
    return beginning


def fetched(address: str) -> str:
    """What an address answers, without the white space around it. Follows no redirect; raises whatever goes wrong."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        secure = ssl.create_default_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.netloc, timeout=TIMEOUT, context=secure
        )
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
    try:
        connection.request("GET", parts._replace(scheme="", netloc="").geturl() or "/")
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise InvalidPrefixError(f"it answered {response.status}")
        return response.read(256).decode("ascii").strip()
    finally:
        connection.close()


def fault_of(generator: str) -> str:
    """Why this can be no generator; '' where it can."""
    if not generator:
        return ""
    if "://" in generator:
        parts = urlsplit(generator)
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
            return ""
        return f"{generator} is no https address; an id's beginning is not asked for in the clear."
    try:
        made = import_string(generator)
    except ImportError as error:
        return f"{generator} cannot be imported: {error}"
    return "" if callable(made) else f"{generator} cannot be called."

"""The paths of a hand-off: its endpoints, and the return paths that are safe from an open redirect."""

from __future__ import annotations

import re

from django.utils.http import url_has_allowed_host_and_scheme

from sessions_farm.communities.identity import path_tokens

PREFIX = "/.mall/"
AUTHORIZE = PREFIX + "authorize"
CALLBACK = PREFIX + "finish"
HEALTH = PREFIX + "health"
RETRIES = "again"  # the parameter that counts a question's redirects to the master again (concurrent_tabs)
MAX_LENGTH = 1500  # bytes of path and query that still make a URL every browser and balancer takes
GAVE_UP = "_mall=nc"  # "no cookies": this page is served without a mall id
SECRETS = re.compile(r"\b(code|state|st|code_verifier|access_token)=[^&\s'\"]+")
TICKETS = re.compile(r"\b(ticket)=[^&\s'\"]+")  # on a page of the project's own


def redact(text: str) -> str:
    """Return a log line without fresh codes, states and tickets of hand-offs, and without tokens in addresses."""
    text = TICKETS.sub(r"\1=REDACTED", path_tokens.redacted(text))
    return SECRETS.sub(r"\1=REDACTED", text) if PREFIX in text else text


def is_safe_path(path: str) -> bool:
    """Return whether a path (with query) stays on its host in every browser, and so makes no open redirect.

    Browsers read a backslash as a slash and drop tabs and line breaks, so ``/\\evil`` and ``/<tab>/evil`` are URLs of
    another host.
    """
    return (
        path.startswith("/")
        and not path.startswith(("//", PREFIX))
        and "\\" not in path
        and path.isascii()
        and path.isprintable()
        and " " not in path
        and len(path) <= MAX_LENGTH
        and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    )


def without_id(path: str) -> str:
    """Return the path of the same page, served without a mall id."""
    return f"{path}{'&' if '?' in path else '?'}{GAVE_UP}"

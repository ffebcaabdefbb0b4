"""Which paths a hand-off may lead back to: only ones of the same host, never a URL."""

from __future__ import annotations

import re

from django.utils.http import url_has_allowed_host_and_scheme

from sessions_farm.communities.identity import path_tokens

PREFIX = "/.mall/"
AUTHORIZE = PREFIX + "authorize"
FINISH = PREFIX + "finish"
HEALTH = PREFIX + "health"
FORMER_KNOWS_NOBODY = "former"  # the parameter of a question that the former master has been asked already
LOOKED_AGAIN = "again"  # the parameter of a question, and of its answer, that came to the master once more (newcomers)
LONGEST = 1500  # bytes of path and query that still make a URL every browser and balancer takes
GAVE_UP = "_mall=nc"  # "no cookies": this page is served without a mall id
SECRETS = re.compile(r"\b(code|state|st|code_verifier|access_token)=[^&\s'\"]+")


def redacted(text: str) -> str:
    """A line for a log, without what could finish a hand-off while it is fresh, and without tokens in addresses."""
    text = path_tokens.redacted(text)
    return SECRETS.sub(r"\1=REDACTED", text) if PREFIX in text else text


def is_safe(path: str) -> bool:
    """Whether ``path`` (with query) stays on its host in every browser.

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
        and len(path) <= LONGEST
        and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    )


def without_id(path: str) -> str:
    """The same page, marked to be served without a mall id."""
    return f"{path}{'&' if '?' in path else '?'}{GAVE_UP}"

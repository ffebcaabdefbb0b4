"""The cookie by which a browser is known for the accounts that signed in with it.

A known device has a budget of wrong passwords of its own, so guessing strangers do not lock the owner out (OWASP,
"Slow Down Online Guessing Attacks with Device Cookies"). The cookie opens nothing.
"""

from __future__ import annotations

import secrets
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

COOKIE: Final = "known_device"
PATH: Final = "/accounts/"
MAX_AGE = 365 * 86_400  # seconds
MAX_ACCOUNTS = 5  # of one browser; the one that signed in longest ago is forgotten
SALT = "mall.accounts.known_devices"


def device_of(request: HttpRequest, email: str) -> str:
    """Return the id of the device on which an account has signed in; empty if the browser is not known for it."""
    return _accounts(request).get(_account_digest(email), "")


def remember(request: HttpRequest, response: HttpResponseBase, email: str) -> None:
    """Make a browser known for an account that has just signed in; a known one keeps its id, and so its budget."""
    accounts, account = _accounts(request), _account_digest(email)
    device = accounts.pop(account, "") or secrets.token_urlsafe(9)
    latest = {account: device} | accounts
    value = signing.dumps(dict(list(latest.items())[:MAX_ACCOUNTS]), salt=SALT)
    response.set_cookie(
        COOKIE,
        value,
        max_age=MAX_AGE,
        path=PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget(response: HttpResponseBase) -> None:
    """Take the cookie away."""
    response.delete_cookie(COOKIE, path=PATH, samesite="Lax")


def _accounts(request: HttpRequest) -> dict[str, str]:
    """Return the ids of the device by account, the latest first."""
    try:
        found: dict[str, str] = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return {}
    return found


def _account_digest(email: str) -> str:
    return salted_hmac(SALT, email.lower(), algorithm="sha256").hexdigest()[:20]

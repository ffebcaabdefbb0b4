"""Refuse a write in a view that is declared ``@session_readonly``."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core import mail

from sessions_farm.conf import options

logger = logging.getLogger(__name__)


class ReadOnlySessionError(RuntimeError):
    """A view that may only read the session has changed it."""


def refuse_write(view: str, change: str) -> None:
    """Raise ReadOnlySessionError under DEBUG and in tests; elsewhere log that the change is dropped."""
    message = f"The view {view} is @session_readonly and changed the session ({change})."
    if raises():
        raise ReadOnlySessionError(f"{message} Take the decorator away, or the change.")
    logger.warning("%s The change is dropped.", message)


def raises() -> bool:
    """Return the setting READONLY_RAISES; where it is None, whether this is a developer's or a test's process."""
    setting = options().readonly_raises
    # Django's setup_test_environment makes the outbox; there is no other sign that tests run.
    return settings.DEBUG or hasattr(mail, "outbox") if setting is None else setting

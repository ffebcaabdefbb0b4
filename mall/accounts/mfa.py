"""The second factor of sign-in: its secrets at rest, and how fresh it is."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from shipping import encryption

FRESH_SECONDS = 300
KEY = "mfa"


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # the package has no types
    """Encrypt the secrets of authenticators with the project's key."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "unverified_email": gettext_lazy("Confirm a mail address first, below “Mail addresses”.")
    }

    def generate_authenticator_name(self, user: Any, type: Authenticator.Type) -> str:  # noqa: A002 -- allauth's name
        """Return the name that a new passkey is offered."""
        return gettext("Passkey %(number)s") % {
            "number": Authenticator.objects.filter(user=user, type=type).count() + 1
        }

    def encrypt(self, text: str) -> str:
        """Return the text as it is kept."""
        return encryption.encrypt_secrets({KEY: text})

    def decrypt(self, encrypted_text: str) -> str:
        """Return the decrypted text."""
        return encryption.decrypt_secrets(encrypted_text)[KEY]


def has_second_factor(user: Any) -> bool:
    """Return whether a user's sign-in asks for a code."""
    return bool(is_mfa_enabled(user, types=[Authenticator.Type.TOTP]))


def is_fresh(request: HttpRequest, user: Any) -> bool:
    """Return whether a code was given in this session within FRESH_SECONDS."""
    since = time.time() - FRESH_SECONDS
    records = get_authentication_records(request, user)
    return any(each.get("method") == "mfa" and each.get("at", 0) > since for each in records)

"""The letters about accounts: allauth's, in the mall's words and design.

allauth names a letter by a prefix of templates; ``KINDS`` has ours for each, and a test fails where it knows one more.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.utils.translation import gettext_noop

from mall.accounts import user_agents
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.models import Community
from vendors.links import mailed_url
from vendors.mail import MailKind, build_mail, sender_of
from vendors.models import Marketplace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.core.mail import EmailMultiAlternatives

    from vendors.http import MallRequest

SAMPLE: Final = {
    "email": "anna@example.org",
    "activate_url": "https://mall.example/accounts/confirm-email/sample/",
    "password_reset_url": "https://mall.example/accounts/password/reset/",
    "signup_url": "https://mall.example/accounts/signup/",
    "devices_url": "https://mall.example/accounts/devices/",
    "code": "7KQ2-94",
    "timestamp": datetime(2026, 11, 29, 18, 42, tzinfo=UTC),
    "browser": "Firefox on Linux",
    "from_email": "anna@old.example",
    "to_email": "anna@example.org",
    "deleted_email": "anna@old.example",
}
RESET: Final = {"password_reset_url": "https://mall.example/accounts/password/reset/key/sample/"}

# By allauth's prefix: the template, the label, the subject, and what differs of its sample.
LETTERS: Final[Mapping[str, tuple[str, str, str, dict[str, Any]]]] = {
    "account/email/account_already_exists": (
        "account_exists",
        "Sign-up with the address of an account",
        gettext_noop("You have an account at {{ mall }}"),
        {},
    ),
    "account/email/unknown_account": (
        "no_account",
        "New password asked for, no account",
        gettext_noop("There is no account for you at {{ mall }}"),
        {},
    ),
    "account/email/email_confirmation": (
        "confirm",
        "Further address to be confirmed",
        gettext_noop("Confirm your address for {{ mall }}"),
        {},
    ),
    "account/email/email_confirmation_signup": (
        "confirm",
        "Address of a new account to be confirmed",
        gettext_noop("Confirm your address for {{ mall }}"),
        {},
    ),
    "account/email/login_code": ("code", "Code to sign in", gettext_noop("Your code to sign in at {{ mall }}"), {}),
    "account/email/password_reset_code": (
        "code",
        "Code for a new password",
        gettext_noop("Your code for a new password at {{ mall }}"),
        {},
    ),
    "account/email/password_reset_key": (
        "reset",
        "Link for a new password",
        gettext_noop("Choose a new password for {{ mall }}"),
        RESET,
    ),
}
# The same for what happened to an account: the subject, and a sentence where it needs one.
NOTICES: Final[Mapping[str, tuple[str, str]]] = {
    "account/email/email_changed": (gettext_noop("The address of your account was changed"), "changed"),
    "account/email/email_confirm": (gettext_noop("The address of your account is confirmed"), ""),
    "account/email/email_deleted": (gettext_noop("An address of your account was removed"), "removed"),
    "account/email/password_changed": (gettext_noop("Your password was changed"), ""),
    "account/email/password_reset": (gettext_noop("Your password was changed by a link from a letter"), ""),
    "account/email/password_set": (gettext_noop("Your account has a password now"), ""),
    "mfa/email/recovery_codes_generated": (gettext_noop("Your account has new recovery codes"), "codes"),
    "mfa/email/totp_activated": (gettext_noop("Your account asks for an authenticator’s code now"), ""),
    "mfa/email/totp_deactivated": (gettext_noop("Your account asks for no authenticator’s code any more"), ""),
    "mfa/email/webauthn_added": (gettext_noop("Your account has a new passkey"), ""),
    "mfa/email/webauthn_removed": (gettext_noop("A passkey of your account was removed"), ""),
}


def build_account_mail(
    request: MallRequest, prefix: str, email: str, context: Mapping[str, Any]
) -> EmailMultiAlternatives:
    """Build the letter that allauth means by a prefix, with every link on the master."""
    community = Community.objects.select_related("master").get(pk=request.mall.member.community_id)
    marketplace = Marketplace.objects.filter(community=community).first()
    own = {
        "password_reset_url": mailed_url(community, "account_reset_password"),
        "devices_url": mailed_url(community, "devices"),
        "browser": user_agents.translated(user_agents.describe(str(context.get("user_agent", "")))),
    }
    given = {name: _on_master(community, value) if name.endswith("_url") else value for name, value in context.items()}
    context = {**own, **given, "email": email}
    return build_mail(KINDS[prefix], sender=sender_of(community, marketplace), to=email, context=context)


def _on_master(community: Community, url: str) -> str:
    """Return the URL of the same page on the master: accounts are there alone, whichever host was asked."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return absolute_url(community.master.host, path) if community.master else path


def _name(prefix: str) -> str:
    return "account-" + prefix.rpartition("/")[2].replace("_", "-")


def _sample(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {**SAMPLE, **changes}


KINDS: Final = {
    prefix: MailKind(_name(prefix), label, f"account/mail/{template}", subject, partial(_sample, changes))
    for prefix, (template, label, subject, changes) in LETTERS.items()
} | {
    prefix: MailKind(
        _name(prefix), subject, "account/mail/notice", subject, partial(_sample, {}), words={"detail": detail}
    )
    for prefix, (subject, detail) in NOTICES.items()
}

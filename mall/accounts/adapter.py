"""The mall's adapter of allauth: limits on passwords, addresses to confirm (ADR 32), letters, the way back."""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy
from prometheus_client import Counter

from cart.letters.sending import is_permanent
from mall.accounts import known_devices
from mall.accounts.mail import build_account_mail
from sessions_farm.communities.links import origin
from sessions_farm.communities.registry import registry
from sessions_farm.web.clients import telling_network_of

logger = logging.getLogger(__name__)
SIGN_INS_REFUSED = Counter("mall_sign_ins_refused", "Passwords that a limit kept from being tried.")
VERIFICATION_STAGE = "allauth.account.stages.EmailVerificationStage"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # the package has no types
    """Adapt allauth to the mall."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": gettext_lazy(
            "Too many wrong passwords. Wait five minutes, or choose “Forgot your password?”: the link that we send "
            "lets you in at once."
        )
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the client's network; where its address tells nothing, a name used once: no limit is shared then."""
        return telling_network_of(request) or f"hidden-{secrets.token_hex(8)}"

    def is_safe_url(self, url: str) -> bool:
        """Return whether a URL is a place to come back to: on this host, or on another that the community serves."""
        try:
            return bool(super().is_safe_url(url)) or _is_in_community(url, context.request)
        except ValueError:  # half an IPv6 address
            return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a password to be tried: on the budget of a known device, else on that of all unknown ones.

        Raise ValidationError if there is none left.
        """
        device = known_devices.device_of(request, credentials.get("email") or "")
        if device:
            self._login_failed_rl_usage = ratelimit.consume(
                request, app="allauth.account", action="login_failed_device", key=device
            )
            if self._login_failed_rl_usage:
                return
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            SIGN_INS_REFUSED.inc()
            raise

    def post_login(self, request: HttpRequest, user: Any, **options: Any) -> HttpResponse:
        """Lead on after a sign-in; the browser is known for the account from now on."""
        response: HttpResponse = super().post_login(request, user, **options)
        known_devices.remember(request, response, user.email)
        return response

    def get_login_stages(self) -> list[str]:
        """Return the stages of a sign-in, with the mall's own question for a confirmed address."""
        own = f"{ConfirmedAddressStage.__module__}.{ConfirmedAddressStage.__qualname__}"
        return [own if stage == VERIFICATION_STAGE else stage for stage in super().get_login_stages()]

    def render_mail(
        self, template_prefix: str, email: str, context: dict[str, Any], headers: dict[str, str] | None = None
    ) -> EmailMultiAlternatives:
        """Build a letter in the mall's design."""
        return build_account_mail(self.request, template_prefix, email, context)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a letter; raise ImmediateHttpResponse, the page that says so, where the mail server does not take it."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError as error:  # smtplib's errors are among them
            logger.warning("The letter %s was not sent: %s", template_prefix, error)
            is_refused = is_permanent(error)
            page = render(self.request, "account/letter_not_sent.html", {"email": email, "is_refused": is_refused})
            page.status_code = HTTPStatus.BAD_REQUEST if is_refused else HTTPStatus.SERVICE_UNAVAILABLE
            raise ImmediateHttpResponse(page) from error

    def send_notification_mail(self, *args: Any, **options: Any) -> None:
        """Send word of a change; a mail server that is away does not undo what was changed."""
        with suppress(ImmediateHttpResponse):  # send_mail has logged it; nobody reads the page
            super().send_notification_mail(*args, **options)

    def send_account_already_exists_mail(self, email: str) -> None:
        """Send the owner of an account word of a sign-up; take as long as a sign-up, which hashes a password."""
        make_password(secrets.token_urlsafe(12))
        super().send_account_already_exists_mail(email)


class ConfirmedAddressStage(EmailVerificationStage):  # type: ignore[misc]  # the package has no types
    """Ask for confirmation of an address after a sign-up; accounts that the mall's staff made have none to confirm.

    A sign-up makes its address the primary one; allauth notes that of another account when a reset is asked for.
    """

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """Return the page to show instead of signing in, if any, and whether the sign-in may go on later."""
        user = self.login.user
        if user is not None and not self.login.signup and not _has_primary_address(user):
            return None, True
        answer: tuple[HttpResponse | None, bool] = super().handle()
        return answer


def _is_in_community(url: str, request: HttpRequest) -> bool:
    here = getattr(getattr(request, "mall", None), "member", None)
    there = registry.resolve(urlsplit(url).hostname or "")
    if here is None or there is None or there.community_id != here.community_id:
        return False
    place = urlsplit(origin(there.host))
    return url_has_allowed_host_and_scheme(url, {place.netloc}, require_https=place.scheme == "https")


def _has_primary_address(user: Any) -> bool:
    return bool(EmailAddress.objects.filter(user=user, primary=True).exists())

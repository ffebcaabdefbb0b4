"""Impersonation: the mall's support sees and does what another person may, for half an hour, and never as itself.

The session stays that of the member of staff: nobody is signed in anew, no id rotates, and the cart is their own. A
variable of the session names the other person; ``request.user`` is that person from then on, and
``request.impersonation`` holds both. It needs a permission and a fresh second factor to begin. Nobody of the mall's
staff can be impersonated. What binds the other person or leads into their account is refused: payment, password,
second factor, addresses, mail, invitations, terms, exports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from auditlog.models import LogEntry
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject

from mall.accounts import mfa
from mall.accounts.errors import ImpersonationRefusedError
from mall.accounts.models import User
from mall.accounts.roles import IMPERSONATE
from sessions_farm.web.decorators import Mode, mode_of

if TYPE_CHECKING:
    from django.urls import ResolverMatch

VARIABLE = "impersonation"  # declared in SESSIONS_FARM["VARIABLES"]
PERIOD = timedelta(minutes=30)
SAFE = {"GET", "HEAD"}

# What cannot even be read: pages below a path, and views by a word of their names.
UNREADABLE_PATHS = ("/accounts/", "/checkout/", "/pay/")
UNREADABLE_WORDS = ("export", "password", "file", "pdf")
# What can be sent: views by the beginning of their names. A new view is refused until it is named here.
SENDABLE = (
    *("account_logout", "admin:logout", "end_impersonation"),
    *("admin:vendors_product_", "admin:vendors_variant_", "admin:vendors_stock_", "admin:orders_consignment_"),
    *("admin:jobs_job_stop", "admin:kept", "cart:", "support:", "handoff:"),
)
ENDINGS = SENDABLE[:3]


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Hold the acting and the impersonated person, and the end."""

    by: User
    user: User
    until: datetime


class ImpersonationMiddleware:
    """Put the impersonated person in the place of the signed-in one; lazily, as ``request.user`` is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        signed_in = request.user
        found: Any = SimpleLazyObject(lambda: _find(request, signed_in))
        request.impersonation = found  # type: ignore[attr-defined]  # ours
        request.user = SimpleLazyObject(lambda: found.user if found else signed_in)  # type: ignore[assignment]  # as Django's

        async def auser() -> Any:
            return request.user

        request.auser = auser
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object
    ) -> HttpResponseBase | None:
        """Refuse an act that no impersonation may do, in words."""
        match = request.resolver_match
        if match is None or mode_of(view) is Mode.OFF or not is_refused(request, match):
            return None  # before the session is looked at, which most requests need not
        if not impersonation_of(request):
            return None
        return render(request, "account/impersonation_refused.html", status=403)


def impersonation_of(request: HttpRequest) -> Impersonation | None:
    """Return the impersonation that is under way, None where none is."""
    found: Impersonation | None = getattr(request, "impersonation", None)
    return found or None


def is_refused(request: HttpRequest, match: ResolverMatch) -> bool:
    """Return whether an impersonation may not open this page, or not send this form."""
    name = match.view_name or ""
    if name in ENDINGS:
        return False
    if request.path.startswith(UNREADABLE_PATHS) or any(word in name for word in UNREADABLE_WORDS):
        return True
    if request.method in SAFE:
        return False
    return not name.startswith(SENDABLE) or "export" in request.POST.get("action", "")


def begin(request: HttpRequest, *, user: User, now: datetime) -> None:
    """Begin to impersonate a person in this session. Raise ImpersonationRefusedError."""
    by: Any = request.user
    if fault := refusal(request, user):
        raise ImpersonationRefusedError(fault)
    request.session[VARIABLE] = {"user": user.pk, "by": by.pk, "until": (now + PERIOD).timestamp()}
    _write(user, by, "begun")


def refusal(request: HttpRequest, user: User) -> str:
    """Return why the signed-in person cannot impersonate another, as a sentence; '' where they can."""
    by: Any = request.user
    faults = (
        (not by.has_perm(IMPERSONATE), "Your role does not allow it."),
        (user.is_mall_staff, f"{user} is of the mall’s own staff."),
        (not user.is_active, f"The account of {user} is closed."),
        (not mfa.has_second_factor(by), "Set up your sign-in in two steps first."),
        (not mfa.is_fresh(request, by), "Give a code of your authenticator first."),
    )
    return next((text for is_so, text in faults if is_so), "")


def end(request: HttpRequest) -> User | None:
    """End the impersonation; return the impersonated person, None where there was none."""
    found = impersonation_of(request)
    request.session.pop(VARIABLE, None)
    if found is None:
        return None
    _write(found.user, found.by, "ended")
    return found.user


def _find(request: HttpRequest, signed_in: Any) -> Impersonation | None:
    """Return the impersonation that the session names, if it may still go on."""
    state = request.session.get(VARIABLE)  # before the user: most requests read no user at all
    if not state or state["by"] != signed_in.pk or not signed_in.has_perm(IMPERSONATE):
        return None
    until = datetime.fromtimestamp(state["until"], tz=UTC)
    user = User.objects.filter(pk=state["user"], is_active=True).first() if until > datetime.now(tz=UTC) else None
    return None if user is None or user.is_mall_staff else Impersonation(signed_in, user, until)


def _write(user: User, by: User, what: str) -> None:
    LogEntry.objects.log_create(
        user,
        force_log=True,
        action=LogEntry.Action.ACCESS,
        changes={"impersonation": [None, what]},
        actor=by,
        additional_data={"impersonation": what, "by": str(by), "as": str(user)},
    )

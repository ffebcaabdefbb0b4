"""The front page of the account, and the page of its name."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cart.orders.history import read_page
from cart.orders.models import Address, Order
from mall.accounts.forms import NameForm
from mall.accounts.models import User
from vendors import recently_viewed
from vendors.http import MallRequest

LATEST = 3


def own_account(user: Any) -> User:
    """Return the signed-in person's account, read anew, to be changed."""
    return User.objects.get(pk=user.pk)


def confirmed_emails(user: Any) -> list[str]:
    """Return the addresses that a user's account has confirmed."""
    return list(EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True))


@never_cache
@login_required
@require_safe
def home(request: MallRequest) -> HttpResponse:
    """Show the latest orders, and where everything else of the account is."""
    user: Any = request.user
    community_id = request.mall.member.community_id
    factors = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    context = {
        "page": read_page(Order.objects.for_user(user, community_id), size=LATEST),
        "claimable": Order.objects.of_guests(confirmed_emails(user), community_id).count(),
        "address": Address.objects.filter(user=user, is_default=True).first(),
        "ways": _ways_in(factors),
        "recent": recently_viewed.recent_cards(request, timezone.now()),
    }
    return render(request, "account/home.html", context)


def _ways_in(factors: set[str]) -> str:
    """Return in a sentence how one signs in."""
    has_passkey, has_code = Authenticator.Type.WEBAUTHN in factors, Authenticator.Type.TOTP in factors
    if has_passkey and has_code:
        return gettext("By password, or by a passkey; then by a code of your app.")
    if has_code:
        return gettext("By password; then by a code of your app.")
    return gettext("By password, or by a passkey.") if has_passkey else gettext("By password.")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def name(request: MallRequest) -> HttpResponse:
    """Change the name of the account."""
    user = own_account(request.user)
    form = NameForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        user.save(update_fields=["name"])
        messages.success(request, gettext("Your name is saved."))
        return redirect("account_home")
    return render(request, "account/name.html", {"form": form}, status=422 if form.errors else 200)

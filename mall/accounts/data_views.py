"""The data of an account: what is kept, its download, and the end of the account; both ask for the password again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from cart.orders.erasure import KEPT_AFTER_SENDING
from mall.accounts import deletion, known_devices
from mall.accounts.errors import DeletionRefusedError
from mall.accounts.export import export_account
from mall.accounts.forms import PasswordForm
from mall.accounts.home_views import own_account
from mall.accounts.models import User
from mall.tasks import erase_orders
from sessions_farm.session import queries
from vendors.http import MallRequest
from vendors.nudge import nudge


@never_cache
@login_required
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """Show what is kept, and lead to download and deletion."""
    return render(request, "account/data.html")


@never_cache
@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: MallRequest) -> HttpResponse:
    """Send the account's data as a file, after the password."""
    form = PasswordForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        text = export_account(own_account(request.user), request.mall.visitor)
        response = HttpResponse(text, content_type="application/json; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="account-{timezone.localdate():%Y-%m-%d}.json"'
        return response
    return render(request, "account/export.html", {"form": form}, status=_status(form))


@never_cache
@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: MallRequest) -> HttpResponse:
    """Delete the account after the password, and sign out everywhere."""
    user = own_account(request.user)
    form = PasswordForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        try:
            deletion.delete_account(user_id=user.pk, visitor=request.mall.visitor, now=timezone.now())
        except DeletionRefusedError as error:
            form.add_error(None, str(error))
        else:
            return _say_goodbye(request, user)
    context = {"form": form, "refusal": deletion.refusal(user), "days": KEPT_AFTER_SENDING.days}
    return render(request, "account/delete.html", context, status=_status(form))


def _say_goodbye(request: HttpRequest, user: User) -> HttpResponse:
    session: Any = request.session
    queries.end_everywhere(user, spare=session)
    logout(request)
    nudge(erase_orders)
    messages.success(request, gettext("Your account is deleted, and you are signed out everywhere."))
    response = redirect("mall:home")
    known_devices.forget(response)
    return response


def _status(form: PasswordForm) -> int:
    return 422 if form.errors else 200

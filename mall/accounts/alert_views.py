"""The page of the account with the goods that its owner waits for, and the button that ends one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cart.stock_alerts import services
from mall.accounts.home_views import confirmed_emails
from vendors.http import MallRequest

MOST_SHOWN = 200


@never_cache
@login_required
@require_safe
def alerts(request: MallRequest) -> HttpResponse:
    """List the goods that the account waits for, the latest first."""
    own = services.of_user(request.user, confirmed_emails(request.user), request.marketplace.marketplace_id)
    return render(request, "account/alerts.html", {"alerts": own[:MOST_SHOWN]})


@login_required
@require_POST
def end_alert(request: MallRequest, pk: int) -> HttpResponse:
    """End one of the account's alerts; that of another account is left alone."""
    own = services.of_user(request.user, confirmed_emails(request.user), request.marketplace.marketplace_id)
    if own.filter(pk=pk).exists():
        services.end(alert_id=pk)
        messages.success(request, gettext("Ended: there is no letter about it."))
    return redirect("account_alerts")

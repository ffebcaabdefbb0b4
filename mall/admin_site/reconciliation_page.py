"""The reconciliation page of the mall's staff: four lists that are empty when all is well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone

from cart.checkout.sweeping import recover_charges, sweep_checkouts
from mall import reconciliation
from mall.accounts.roles import RECONCILE
from vendors.money import Money

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

TEMPLATE = "admin/mall/reconciliation.html"


def may_reconcile(request: HttpRequest) -> bool:
    """Return whether the user may see the lists."""
    return request.user.has_perm(RECONCILE)


def reconciliation_view(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the lists to the mall's reconciling staff; a POST sweeps before."""
    if not may_reconcile(request):
        raise PermissionDenied
    now = timezone.now()
    if request.method == "POST":
        changed = recover_charges(now - reconciliation.PERIOD, now) + sum(sweep_checkouts(now=now).values())
        messages.success(request, f"Swept: {changed} rows changed.")
        return HttpResponseRedirect(request.path)
    return TemplateResponse(request, TEMPLATE, {**context, "title": "Reconciliation", **_lists(now)})


def _lists(now: datetime) -> dict[str, Any]:
    since = now - reconciliation.PERIOD
    charges = reconciliation.captured_charges(since - reconciliation.SLACK)
    return {
        "since": since,
        "silent": charges.silent,
        "charges": [
            (gateway, report.reference, Money(report.result.amount, report.result.currency))
            for gateway, report in reconciliation.charges_without_payment(charges, now)
        ],
        "payments": reconciliation.payments_without_charge(charges, since),
        "paid": reconciliation.paid_without_order(now),
        "consignments": reconciliation.orders_without_dispatch(),
        "refunds": reconciliation.waiting_refunds(now),
    }

"""Views of a user's orders."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from cart.orders.models import Consignment, Order


@never_cache
@login_required
@require_GET
def history(request: HttpRequest) -> HttpResponse:
    """List the user's orders, newest first, with the state of each consignment."""
    user: Any = request.user
    orders = Order.objects.for_user(user).prefetch_related(
        Prefetch("consignments", Consignment.objects.select_related("vendor"))
    )
    page = Paginator(orders, 20).get_page(request.GET.get("page"))
    return render(request, "orders/history.html", {"page": page})

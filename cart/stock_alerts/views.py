"""Views of stock alerts: ask for one, and the page by whose link its address confirms and ends it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cart.stock_alerts import limits, services
from cart.stock_alerts.errors import AlertError
from cart.stock_alerts.forms import AlertForm
from cart.stock_alerts.links import read_token
from cart.stock_alerts.models import StockAlert
from cart.transactions import RowLockTimeoutError
from vendors import stock
from vendors.http import MallRequest
from vendors.models import Variant
from vendors.storefronts import storefronts

MOST_ID = 2**63 - 1


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: MallRequest, variant: int) -> HttpResponse:
    """Show sold-out goods with a form for an address; a POST asks for the letter."""
    community_id = request.mall.member.community_id
    wanted = services.sold_variant(variant, community_id) if variant <= MOST_ID else None
    if wanted is None:
        raise Http404("No open shop sells this variant.")
    form = AlertForm(request.POST or None, initial={"email": getattr(request.user, "email", "")})
    if request.method == "POST" and form.is_valid() and (asked := _ask(request, wanted, form)):
        return HttpResponseRedirect(f"{request.path}?asked={asked}", status=303)
    context = {
        "form": form,
        "variant": wanted,
        "shop": storefronts.by_vendor(wanted.product.vendor_id),
        "asked": request.GET.get("asked", ""),
        "is_there": bool(stock.available([wanted.pk], timezone.now())[wanted.pk]),
    }
    return render(request, "stock_alerts/ask.html", context, status=422 if form.errors else 200)


def _ask(request: MallRequest, wanted: Variant, form: AlertForm) -> str:
    """Ask for the letter, and say the next step: "mail" or "done"; return '', with the form showing why, if refused."""
    user: Any = request.user if request.user.is_authenticated else None
    email, visitor = form.cleaned_data["email"], request.mall.visitor
    asker = limits.Asker(email, visitor.pk if visitor else None, limits.network_digest(request))
    is_own = user is not None and services.is_confirmed_address(user, email)
    try:
        services.ask(asker=asker, variant=wanted, user=user, is_own=is_own, now=timezone.now())
    except AlertError as error:
        form.add_error(None, str(error))
        return ""
    except RowLockTimeoutError:
        form.add_error(None, gettext("Many people are asking right now; try again."))
        return ""
    if is_own:
        messages.success(request, gettext("We write to %(email)s when it is back.") % {"email": email})
    else:
        words = gettext("Nearly done: we wrote to %(email)s. Say yes in that letter, and we write when it is back.")
        messages.success(request, words % {"email": email})
    return "done" if is_own else "mail"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def alert(request: MallRequest, token: str) -> HttpResponse:
    """Show the alert of a link; a POST confirms or ends it, as its button says."""
    found, fault = _find(request, token), ""
    if found is not None and request.method == "POST":
        try:
            found = _press(found, request.POST.get("do", ""))
        except AlertError as error:
            fault = str(error)
        except RowLockTimeoutError:
            fault = gettext("It is being changed right now; try again.")
    shop = storefronts.by_vendor(found.variant.product.vendor_id) if found else None
    context = {"alert": found, "shop": shop, "fault": fault, "is_ended": request.method == "POST" and found is None}
    response = render(request, "stock_alerts/alert.html", context, status=422 if fault else 200)
    # The address is a key. Not "no-referrer": browsers then send the Origin of a form as null, which is refused.
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


def _find(request: MallRequest, token: str) -> StockAlert | None:
    uuid = read_token(token)
    if uuid is None:
        return None
    rows = StockAlert.objects.filter(uuid=uuid, marketplace__community=request.mall.member.community_id)
    found: StockAlert | None = rows.select_related("variant__product__vendor").first()
    return found


def _press(found: StockAlert, button: str) -> StockAlert | None:
    """Do as the button says; return the alert as it is then, None where it has ended."""
    if button == "end":
        services.end(alert_id=found.pk)
        return None
    if button == "confirm" and found.state == "asked":
        services.confirm(alert_id=found.pk, now=timezone.now())
        found.refresh_from_db(fields=["confirmed_at"])
    return found

"""Paying: the button, the way back from the gateway, and the gateway's own notices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import structlog
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from cart.checkout import services, visit
from cart.checkout.ask import Ask
from cart.checkout.finalise import finalise
from cart.checkout.forms import PayForm
from cart.checkout.locks import Busy
from cart.checkout.payments.base import PaymentError
from cart.checkout.payments.gateways import gateway
from cart.checkout.prepare import CartChanged, NothingToBuy, PriceRose, TookTooLong
from cart.checkout.views import contents_or_none, review_page
from cart.contents import contents_of
from cart.current import cart_of
from cart.orders.models import Order, Payment
from vendors.http import MallRequest
from vendors.models import Variant
from vendors.money import Money
from vendors.stock import SoldOutError

log = structlog.get_logger(__name__)


@never_cache
@require_POST
def pay(request: MallRequest) -> HttpResponse:
    """The button of the review page. Pressed twice, it leads twice to the same charge."""
    form = PayForm(request.POST)
    visitor = request.mall.visitor
    if not form.is_valid() or visitor is None:
        return redirect("checkout:review")
    user: Any = request.user
    contents = contents_of(cart_of(request), timezone.now())
    ask = replace(visit.ask(request, contents), key=form.cleaned_data["key"], agreed=form.cleaned_data["agreed"])
    try:
        url = services.start_payment(
            visitor=visitor, user=user if user.is_authenticated else None, ask=ask, now=timezone.now()
        )
    except (NothingToBuy, CartChanged, PriceRose, TookTooLong, SoldOutError, PaymentError, Busy) as reason:
        return _refused(request, reason, ask)
    if url is None:
        return _to_status(Order.objects.get(checkout_key=ask.key, visitor=visitor))
    return HttpResponseRedirect(url, status=303)


def _refused(request: MallRequest, reason: Exception, ask: Ask) -> HttpResponse:
    """Say why there is nothing to pay, and what can be done; nothing was charged in any of these cases."""
    match reason:
        case SoldOutError():
            return _sold_out(request, reason)
        case Busy():
            response = render(request, "checkout/busy.html", {"ask": ask}, status=503)
            response["Retry-After"] = "3"
            return response
        case PaymentError():
            log.warning("payment_not_started", error=str(reason), permanent=reason.permanent)
            return _again(request, "The payment company does not answer. Nothing was charged; try again.", 503)
        case TookTooLong():
            visit.renew(request)
    return _again(request, _why(request, reason), 409)


def _why(request: MallRequest, reason: Exception) -> str:
    match reason:
        case TookTooLong():
            return "This took longer than we could keep your goods. Check the order and pay again."
        case PriceRose():
            old, new = (Money(minor, request.marketplace.currency) for minor in (reason.agreed, reason.total))
            return f"The total rose from {old} to {new} since you looked. Pay only if you agree."
    return "Your order changed in another window. Check it once more before you pay."


def _again(request: MallRequest, notice: str, status: int) -> HttpResponse:
    contents = contents_or_none(request)
    if contents is None or not visit.contact(request):
        return redirect("cart:page")
    return review_page(request, contents, notice=notice, status=status)


def _sold_out(request: MallRequest, reason: SoldOutError) -> HttpResponse:
    variant = Variant.objects.select_related("product").filter(pk=reason.variant_id).first()
    context = {"variant": variant, "left": reason.available, "wanted": reason.wanted}
    return render(request, "checkout/sold_out.html", context, status=409)


@never_cache
@require_GET
def back(request: MallRequest, name: str) -> HttpResponse:
    """Where the gateway sends the browser: settle, then show the order, or ask for another card."""
    try:
        reference = gateway(name).read_return(request.GET.dict())
    except (LookupError, PaymentError) as error:
        raise Http404(str(error)) from error
    payment = _payment(name, reference, request)
    try:
        order = finalise(payment=payment, now=timezone.now())
    except (Busy, PaymentError) as error:
        log.warning("return_not_settled", payment=reference, error=str(error))
        return _to_status(payment.order)
    if order.state == Order.State.DRAFT and order.payments.latest("pk").state == Payment.State.DECLINED:
        messages.error(request, "The payment was not made and nothing was charged. Try again, or use another card.")
        return redirect("checkout:review")
    if order.state == Order.State.PLACED:
        visit.renew(request)
    return _to_status(order)


@csrf_exempt
@require_POST
def webhook(request: MallRequest, name: str) -> HttpResponse:
    """A gateway's notice: signed, so it needs no cookie. 503 asks the gateway to repeat it."""
    try:
        reference = gateway(name).read_webhook(request.headers, request.body)
        payment = _payment(name, reference, request)
        finalise(payment=payment, now=timezone.now())
    except LookupError as error:
        raise Http404(str(error)) from error
    except (Busy, PaymentError) as error:
        log.warning("webhook_refused", gateway=name, error=str(error))
        if isinstance(error, PaymentError) and error.permanent:
            return HttpResponseBadRequest(f"{error}\n", content_type="text/plain")
        return HttpResponse("Try again.\n", status=503, content_type="text/plain")
    return HttpResponse(status=204)


def _payment(name: str, reference: str, request: MallRequest) -> Payment:
    """The payment of this community. Raise Http404 where there is none."""
    community_id = request.mall.member.community_id
    payments = Payment.objects.select_related("order__marketplace__community__master")
    found = payments.filter(gateway=name, reference=reference, order__marketplace__community_id=community_id).first()
    if found is None:
        raise Http404(f"No payment {reference} by {name}.")
    return found


def _to_status(order: Order) -> HttpResponse:
    return HttpResponseRedirect(order.get_absolute_url(), status=303)

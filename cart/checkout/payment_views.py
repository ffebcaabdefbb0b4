"""Views of the payment: the pay button, the return from the gateway, and the gateway's webhook."""

from __future__ import annotations

import logging
import math
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from cart.checkout import checkout_session, metrics, services
from cart.checkout.checkout_request import CheckoutRequest
from cart.checkout.errors import (
    AlreadyPaidError,
    CheckoutError,
    DraftExpiredError,
    LimitError,
    PaymentError,
    PaymentReturnedError,
    PriceIncreasedError,
    TooManyPiecesError,
    WaitError,
)
from cart.checkout.finalise import finalise
from cart.checkout.forms import PayForm
from cart.checkout.payments.gateways import get_gateway, offered_gateways
from cart.checkout.usage import network_digest
from cart.checkout.views import review_page, summary_or_redirect
from cart.orders.models import Order, Payment
from cart.transactions import RowLockTimeoutError
from sessions_farm.communities.query_plans import planned
from vendors.http import MallRequest
from vendors.models import Variant
from vendors.money import Money
from vendors.stock import SoldOutError

logger = logging.getLogger(__name__)


@never_cache
@require_POST
def pay(request: MallRequest) -> HttpResponse:
    """Start the payment of the reviewed cart; idempotent, a second press leads to the same charge."""
    form = PayForm(request.POST, gateways=offered_gateways(request.marketplace))
    visitor = request.mall.visitor
    if not form.is_valid() or visitor is None:
        return redirect("checkout:review")
    user: Any = request.user
    checkout_request = checkout_session.posted_request(request, **form.cleaned_data)
    try:
        url = services.start_payment(
            visitor=visitor,
            user=user if user.is_authenticated else None,
            checkout_request=checkout_request,
            now=timezone.now(),
            network=network_digest(request),
        )
    except AlreadyPaidError as error:
        messages.info(request, gettext("This is paid already. Here is your order; nothing more was charged."))
        return _redirect_to_status(error.order)
    except PaymentReturnedError as error:
        return _redirect_to_status(error.order)
    except (CheckoutError, RowLockTimeoutError, SoldOutError) as error:
        return _error_response(request, error, checkout_request)
    if url is None:
        return _redirect_to_status(Order.objects.get(idempotency_key=checkout_request.order_key, visitor=visitor))
    if services.is_paid_later(checkout_request):
        checkout_session.renew_token(request)  # the cart is free for another order
    return HttpResponseRedirect(url, status=303)


def _error_response(request: MallRequest, error: Exception, checkout_request: CheckoutRequest) -> HttpResponse:
    """Explain to the shopper why there is nothing to pay; nothing was charged in any of these cases."""
    match error:
        case LimitError():
            return _refused_page(request, error)
        case SoldOutError():
            return _sold_out_page(request, error)
        case RowLockTimeoutError():
            response = render(request, "checkout/busy.html", {"checkout_request": checkout_request}, status=503)
            response["Retry-After"] = "3"
            return response
        case PaymentError():
            logger.warning("Payment not started (permanent: %s): %s", error.permanent, error)
            return _review_again(
                request, gettext("The payment company does not answer. Nothing was charged; try again."), 503
            )
        case DraftExpiredError():
            checkout_session.renew_token(request)
    return _review_again(request, _failure_notice(request, error), 409)


def _failure_notice(request: MallRequest, error: Exception) -> str:
    match error:
        case DraftExpiredError():
            return gettext("This took longer than we could keep your goods. Check the order and pay again.")
        case PriceIncreasedError():
            return _words_of_increase(error, request.marketplace.currency)
    return gettext("Your order changed in another window. Check it once more before you pay.")


def _words_of_increase(error: PriceIncreasedError, currency: str) -> str:
    increases = "; ".join(
        gettext("%(each)s rose from %(money)s to %(money_2)s")
        % {"each": each.name, "money": Money(each.agreed, currency), "money_2": Money(each.now, currency)}
        for each in error.increases
    )
    return gettext("Since you looked: %(increases)s. The total is %(money)s now. Pay only if you agree.") % {
        "increases": increases,
        "money": Money(error.total, currency),
    }


def _review_again(request: MallRequest, notice: str, status: int) -> HttpResponse:
    summary = summary_or_redirect(request)
    if isinstance(summary, HttpResponse):
        return summary
    return review_page(request, summary, notice=notice, status=status)


def _refused_page(request: MallRequest, error: LimitError) -> HttpResponse:
    """Explain the limit that the checkout met and the shopper's ways on: 429, with the time to wait."""
    logger.warning("Checkout refused: %s", error)
    metrics.CHECKOUTS_REFUSED.labels(error.reason).inc()
    context: dict[str, Any] = {"reason": error.reason}
    if isinstance(error, TooManyPiecesError):
        variant = Variant.objects.select_related("product").filter(pk=error.variant_id).first()
        context |= {"variant": variant, "most": error.most, "wanted": error.wanted}
    elif isinstance(error, WaitError):
        context["minutes"] = max(1, math.ceil(error.wait / timedelta(minutes=1)))
    response = render(request, "checkout/refused.html", context, status=429)
    if isinstance(error, WaitError):
        response["Retry-After"] = str(60 * context["minutes"])
    return response


def _sold_out_page(request: MallRequest, error: SoldOutError) -> HttpResponse:
    variant = Variant.objects.select_related("product").filter(pk=error.variant_id).first()
    context = {"variant": variant, "available": error.available, "wanted": error.wanted}
    return render(request, "checkout/sold_out.html", context, status=409)


@never_cache
@require_GET
def payment_return(request: MallRequest, name: str) -> HttpResponse:
    """Settle the payment of a returning browser, then show the order, or ask for another card."""
    try:
        reference = get_gateway(name).read_return(request.GET.dict())
    except (LookupError, PaymentError) as error:
        raise Http404(str(error)) from error
    payment = _get_payment(name, reference, request)
    try:
        order = finalise(payment=payment, now=timezone.now())
    except (RowLockTimeoutError, PaymentError) as error:
        logger.warning("Payment %s is not settled at its return: %s", reference, error)
        order = payment.order
    if not _is_buyer(request, order):
        return render(request, "checkout/returned.html", {"state": order.state})
    if order.state == Order.State.DRAFT and order.payments.latest("pk").state == Payment.State.DECLINED:
        messages.error(
            request, gettext("The payment was not made and nothing was charged. Try again, or use another card.")
        )
        return redirect("checkout:review")
    if order.state == Order.State.PLACED:
        checkout_session.renew_token(request)
    return _redirect_to_status(order)


def _is_buyer(request: MallRequest, order: Order) -> bool:
    """Return whether the browser is the buyer's; a gateway's address may come to others by history or a shared link."""
    visitor, user = request.mall.visitor, request.user
    is_visitor = visitor is not None and order.visitor_id == visitor.pk
    return is_visitor or (user.is_authenticated and order.user_id == user.pk)


@csrf_exempt
@require_POST
def webhook(request: MallRequest, name: str) -> HttpResponse:
    """Settle a payment on the gateway's signed notice, without a cookie; 503 makes the gateway retry."""
    try:
        reference = get_gateway(name).read_webhook(request.headers, request.body)
        payment = _get_payment(name, reference, request)
        finalise(payment=payment, now=timezone.now())
    except LookupError as error:
        raise Http404(str(error)) from error
    except (RowLockTimeoutError, PaymentError) as error:
        logger.warning("Webhook of %s refused: %s", name, error)
        if isinstance(error, PaymentError) and error.permanent:
            return HttpResponseBadRequest(f"{error}\n", content_type="text/plain")
        return HttpResponse("Try again.\n", status=503, content_type="text/plain")
    return HttpResponse(status=204)


def _get_payment(name: str, reference: str, request: MallRequest) -> Payment:
    """Return a payment of this community. Raise Http404 if there is none."""
    community_id = request.mall.member.community_id
    found = _payment_with(name, reference, community_id)
    if not found:
        raise Http404(f"No payment {reference} by {name}.")
    return found[0]


@planned
def _payment_with(gateway: str, reference: str, community_id: int) -> QuerySet[Payment]:
    payments = Payment.objects.select_related("order__marketplace__community")
    return payments.filter(gateway=gateway, reference=reference, order__marketplace__community=community_id)


def _redirect_to_status(order: Order) -> HttpResponse:
    return HttpResponseRedirect(order.get_absolute_url(), status=303)

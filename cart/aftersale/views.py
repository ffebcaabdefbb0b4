"""Views below an order's page: cancel, send back, ask a shop, order once more."""

from __future__ import annotations

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from cart.aftersale import asking, cancelling, reordering, returning
from cart.aftersale.errors import AfterSaleError, NotCancellableError
from cart.aftersale.forms import PiecesForm, QuestionForm, ReturnForm
from cart.aftersale.opened import back_to_order, order_path, with_order
from cart.orders.models import Consignment, Order, OrderLine
from cart.transactions import RowLockTimeoutError
from vendors.http import MallRequest

BUSY = gettext("The order is being changed right now; try again.")


@with_order("GET", "HEAD", "POST")
def cancel(request: MallRequest, order: Order, token: str) -> HttpResponse:
    """Choose pieces that no shop has packed; a POST cancels them, or all."""
    lines = _open_lines(order, request.GET.get("of", ""))
    form = PiecesForm(request.POST or None, lines=lines)
    if request.method == "POST" and form.is_valid():
        is_all = request.POST.get("button") == "all"
        pieces = {line.pk: line.kept for line in lines} if is_all else form.pieces
        if attempt(form, lambda: _cancel(order, pieces, form.cleaned_data["key"])):
            messages.success(request, gettext("Cancelled. A letter says what goes back to you."))
            return back_to_order(token)
    return form_page(request, "orders/cancel.html", order, token, form)


@with_order("GET", "HEAD", "POST")
def send_back(request: MallRequest, order: Order, token: str, number: str) -> HttpResponse:
    """Choose pieces that a shop has sent; a POST asks it to take them back."""
    consignment = _consignment(order, number)
    lines = [line for line in consignment.lines.all() if line.kept]
    form = ReturnForm(request.POST or None, lines=lines)
    if request.method == "POST" and form.is_valid():
        said = {"key": form.cleaned_data["key"], "why": form.cleaned_data["why"], "now": timezone.now()}
        if attempt(form, lambda: returning.ask_return(consignment_id=consignment.pk, pieces=form.pieces, **said)):
            messages.success(
                request,
                gettext("%(vendor)s knows of it and answers by mail. Keep the goods.")
                % {"vendor": consignment.vendor.name},
            )
            return back_to_order(token)
    more = {"consignment": consignment, "until": returning.return_until(consignment), "now": timezone.now()}
    return form_page(request, "orders/return.html", order, token, form, **more)


@with_order("GET", "HEAD", "POST")
def ask(request: MallRequest, order: Order, token: str, number: str) -> HttpResponse:
    """Write to a shop; a POST sends the letter."""
    consignment = _consignment(order, number)
    form = QuestionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = {"text": form.cleaned_data["text"], "key": form.cleaned_data["key"], "now": timezone.now()}
        if attempt(form, lambda: asking.ask_shop(order_id=order.pk, consignment=consignment, **said)):
            name = consignment.vendor.name
            messages.success(
                request,
                gettext("Your question goes to %(name)s. The answer comes to %(email)s.")
                % {"name": name, "email": order.email},
            )
            return back_to_order(token)
    more = {"consignment": consignment, "has_address": bool(asking.shop_address(consignment))}
    return form_page(request, "orders/ask.html", order, token, form, **more)


@with_order("POST")
def reorder(request: MallRequest, order: Order, token: str) -> HttpResponse:
    """Put the goods into the visitor's cart once more, and name the differences."""
    lines = [line for consignment in order.consignments.all() for line in consignment.lines.all()]
    try:
        found = reordering.reorder(
            visitor=request.mall.ensure_visitor(), lines=lines, currency=order.currency, now=timezone.now()
        )
    except RowLockTimeoutError:
        messages.error(request, BUSY)
        return back_to_order(token)
    if found.added:
        messages.success(request, gettext("In your cart again: %(join)s.") % {"join": ", ".join(found.added)})
    if found.changes:
        messages.warning(request, " ".join([gettext("What is different now:"), *found.changes]))
    return HttpResponseRedirect(reverse("cart:page"), status=303)


def attempt(form: forms.Form, act: Callable[[], object]) -> bool:
    """Do it; return False, with the form showing why, where it is refused."""
    try:
        act()
    except RowLockTimeoutError:
        form.add_error(None, BUSY)
    except AfterSaleError as error:
        form.add_error(None, str(error))
    return not form.errors


def form_page(
    request: MallRequest, template: str, order: Order, token: str, form: forms.Form, **more: object
) -> HttpResponse:
    """Render a page with a form of an order."""
    context = {"order": order, "form": form, "back": order_path(token), **more}
    return render(request, template, context, status=422 if form.errors else 200)


def _cancel(order: Order, pieces: dict[int, int], key: str) -> None:
    if order.is_to_pay:
        cancelling.withdraw_as_shopper(order_id=order.pk)
        return
    if not pieces:
        raise NotCancellableError(gettext("Say how many pieces of what."))
    cancelling.cancel_as_shopper(order_id=order.pk, pieces=pieces, key=key, now=timezone.now())


def _open_lines(order: Order, number: str) -> list[OrderLine]:
    """Return the lines with pieces that can be cancelled, of one consignment or all."""
    consignments = [_consignment(order, number)] if number else order.consignments.all()
    states = {Consignment.State.OPEN, Consignment.State.DRAFT} if order.is_to_pay else {Consignment.State.OPEN}
    return [line for each in consignments if each.state in states for line in each.lines.all() if line.kept]


def _consignment(order: Order, number: str) -> Consignment:
    """Return a consignment of the order by its number. Raise Http404."""
    found = next((each for each in order.consignments.all() if each.number == number), None)
    if found is None:
        raise Http404(gettext("The order has no such consignment."))
    return found

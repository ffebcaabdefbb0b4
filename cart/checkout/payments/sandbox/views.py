"""Hosted payment pages of the simulated payment company."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cart.checkout.payments.sandbox import services, signing
from cart.checkout.payments.sandbox.cards import CARDS, CardBehaviour, format_card_number
from cart.checkout.payments.sandbox.forms import CardForm
from cart.checkout.payments.sandbox.models import Charge
from vendors.money import Money


@never_cache
@require_http_methods(["GET", "POST"])
def card_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show and process the card form; a settled charge redirects to the shop."""
    form = CardForm(request.POST or None)
    charge = _answer(token, request.POST, form)
    if charge.state == Charge.State.CHALLENGED:
        return HttpResponseRedirect(reverse("sandbox:challenge", args=[token]), status=303)
    if form.is_bound and form.is_valid() and form.behaviour is CardBehaviour.LOST:
        return render(request, "sandbox/lost.html", {"charge": charge}, status=504)
    if not charge.is_payable:
        return _redirect_to_shop(charge)
    if form.is_bound and form.is_valid():
        form.add_error("number", gettext("This card was declined: there is too little on it. Try another one."))
    return _render_page(request, "sandbox/pay.html", charge, form)


def _answer(token: str, posted: QueryDict, form: CardForm) -> Charge:
    """Return the charge after the post, if there was one. Raise Http404 for an unknown one."""
    try:
        if "cancel" in posted:
            return services.abandon_charge(token=token, now=timezone.now())
        if form.is_bound and form.is_valid():
            return services.charge_card(token=token, behaviour=form.behaviour, now=timezone.now())
        return Charge.objects.get(token=token)
    except Charge.DoesNotExist as error:
        raise Http404("There is no such charge.") from error


@never_cache
@require_http_methods(["GET", "POST"])
def challenge_page(request: HttpRequest, token: str) -> HttpResponse:
    """Simulate the bank's 3-D Secure page: confirm or refuse."""
    charge = get_object_or_404(Charge, token=token)
    if charge.state == Charge.State.CHALLENGED and request.method == "GET":
        return _render_page(request, "sandbox/challenge.html", charge)
    if request.method == "POST":
        charge = services.answer_challenge(token=token, confirmed="confirm" in request.POST, now=timezone.now())
    if charge.state == Charge.State.OPEN:
        return HttpResponseRedirect(reverse("sandbox:pay", args=[token]), status=303)
    return _redirect_to_shop(charge)


def _render_page(request: HttpRequest, template: str, charge: Charge, form: CardForm | None = None) -> HttpResponse:
    cards = [(format_card_number(number), gettext(description)) for number, (_, description) in CARDS.items()]
    context = {"charge": charge, "amount": Money(charge.amount, charge.currency), "form": form, "cards": cards}
    return render(request, template, context, status=422 if form is not None and form.errors else 200)


def _redirect_to_shop(charge: Charge) -> HttpResponse:
    query = urlencode({"reference": charge.reference, "signature": signing.return_signature(charge.reference)})
    return HttpResponseRedirect(f"{charge.return_url}?{query}", status=303)

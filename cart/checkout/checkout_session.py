"""Session variables of a checkout in progress; they survive the Back button and a change of node."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from cart.checkout.checkout_request import Agreement, CheckoutRequest, destination_in, make_review_key
from cart.summary import CartSummary
from vendors.delivery import DeliveryMethod, Destination
from vendors.destination import destination_of, remember_country
from vendors.http import MallRequest

CONTACT = "checkout_contact"
METHODS = "checkout_methods"
TOKEN = "checkout_token"  # noqa: S105 -- the name of a variable


def contact(request: MallRequest) -> dict[str, str]:
    """Return the contact data entered so far."""
    return dict(request.session.get(CONTACT) or {})


def save_contact(request: MallRequest, values: Mapping[str, str]) -> None:
    """Save the contact data; the carts in all shops go by its country from now on."""
    request.session[CONTACT] = dict(values)
    remember_country(request, values["country"])


def destination(request: MallRequest) -> Destination:
    """Return where the goods go: to the address that was typed, else to the country of the cart."""
    typed = contact(request)
    return destination_in(typed) if typed else destination_of(request)


def methods(request: MallRequest, summary: CartSummary) -> dict[int, DeliveryMethod]:
    """Return the delivery method of each vendor in the cart; the first by default or if no longer offered."""
    return summary.offered_methods(chosen_methods(request))


def chosen_methods(request: MallRequest) -> dict[int, DeliveryMethod]:
    """Return the delivery methods that the shopper chose by vendor, of any cart."""
    chosen = request.session.get(METHODS) or {}
    return {int(vendor_id): DeliveryMethod(method) for vendor_id, method in chosen.items()}


def save_methods(request: MallRequest, values: Mapping[int, str]) -> None:
    """Save the delivery methods by vendor."""
    request.session[METHODS] = {str(vendor_id): method for vendor_id, method in values.items()}


def build_request(request: MallRequest, summary: CartSummary) -> CheckoutRequest:
    """Build the request that the review page offers to pay; create the session's token if there is none."""
    token = request.session.get(TOKEN) or renew_token(request)
    chosen, typed = methods(request, summary), contact(request)
    drafts = summary.drafts(chosen)
    key = make_review_key(token, drafts, typed)
    return CheckoutRequest(key, Agreement.of_drafts(drafts), token, contact=typed, methods=chosen)


def posted_request(request: MallRequest, *, review_key: str, agreed: Agreement, gateway: str = "") -> CheckoutRequest:
    """Return the request that the pay button posts, without a look at the cart: ``prepare`` compares the two."""
    token = request.session.get(TOKEN) or renew_token(request)
    return CheckoutRequest(review_key, agreed, token, contact(request), chosen_methods(request), gateway=gateway)


def renew_token(request: MallRequest) -> str:
    """Begin a new checkout: the next review leads to another order."""
    token = request.session[TOKEN] = secrets.token_urlsafe(18)
    return token

"""What a checkout under way keeps in the session: Back, or another node, never loses what was typed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from cart.checkout.ask import Ask, key_of
from cart.contents import Contents
from cart.pricing import Method
from vendors.http import MallRequest

CONTACT = "checkout_contact"
METHODS = "checkout_methods"
TOKEN = "checkout_token"  # noqa: S105 -- the name of a variable


def contact(request: MallRequest) -> dict[str, str]:
    return dict(request.session.get(CONTACT) or {})


def keep_contact(request: MallRequest, values: Mapping[str, str]) -> None:
    request.session[CONTACT] = dict(values)


def methods(request: MallRequest, contents: Contents) -> dict[int, Method]:
    """The delivery chosen for each vendor in the cart; standard where nothing was chosen or it is not offered now."""
    chosen = request.session.get(METHODS) or {}
    return {
        group.vendor.pk: _method(chosen.get(str(group.vendor.pk)), group.tariff.express) for group in contents.groups
    }


def keep_methods(request: MallRequest, values: Mapping[int, str]) -> None:
    request.session[METHODS] = {str(vendor_id): method for vendor_id, method in values.items()}


def ask(request: MallRequest, contents: Contents) -> Ask:
    """What the review page offers to pay for. Make the visit's token where there is none."""
    token = request.session.get(TOKEN) or renew(request)
    chosen, typed = methods(request, contents), contact(request)
    key = key_of(token, (position.item for position in contents), chosen, typed)
    return Ask(key=key, agreed=0, token=token, contact=typed, methods=chosen)


def renew(request: MallRequest) -> str:
    """Begin a new checkout: what is reviewed from now on is another order."""
    token = request.session[TOKEN] = secrets.token_urlsafe(18)
    return token


def _method(chosen: object, express: int | None) -> Method:
    return Method.EXPRESS if chosen == Method.EXPRESS and express is not None else Method.STANDARD

"""The configured payment gateways, by name."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.module_loading import import_string

from cart.checkout.payments.base import Gateway

if TYPE_CHECKING:
    from vendors.storefronts import CachedMarketplace


@functools.cache
def get_gateway(name: str) -> Gateway:
    """Return the gateway of a name in PAYMENT_GATEWAYS. Raise LookupError for any other name."""
    if name not in settings.PAYMENT_GATEWAYS:
        raise LookupError(f"{name} is not configured; PAYMENT_GATEWAYS has {', '.join(settings.PAYMENT_GATEWAYS)}.")
    gateway: Gateway = import_string(settings.PAYMENT_GATEWAYS[name])()
    return gateway


def offered_gateways(marketplace: CachedMarketplace) -> list[Gateway]:
    """Return the ways to pay at a marketplace, in the order of PAYMENT_GATEWAYS."""
    return [gateway for name in settings.PAYMENT_GATEWAYS if (gateway := get_gateway(name)).is_offered(marketplace)]


def first_gateway() -> str:
    """Return the name of the gateway that a new payment begins at, where the shopper does not say."""
    return str(next(iter(settings.PAYMENT_GATEWAYS)))

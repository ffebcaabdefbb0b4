"""The configured payment gateways, by name."""

from __future__ import annotations

import functools

from django.conf import settings
from django.utils.module_loading import import_string

from cart.checkout.payments.base import Gateway


@functools.cache
def get_gateway(name: str) -> Gateway:
    """Return the gateway of a name in PAYMENT_GATEWAYS. Raise LookupError for any other name."""
    if name not in settings.PAYMENT_GATEWAYS:
        raise LookupError(f"{name} is not configured; PAYMENT_GATEWAYS has {settings.PAYMENT_GATEWAYS}.")
    gateway: Gateway = import_string(f"cart.checkout.payments.{name}.gateway.Gateway")()
    return gateway

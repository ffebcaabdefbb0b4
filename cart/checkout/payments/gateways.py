"""The gateways that this mall offers, by name."""

from __future__ import annotations

import functools

from django.conf import settings
from django.utils.module_loading import import_string

from cart.checkout.payments.base import Gateway


@functools.cache
def gateway(name: str) -> Gateway:
    """The gateway of a name in PAYMENT_GATEWAYS. Raise LookupError for another."""
    if name not in settings.PAYMENT_GATEWAYS:
        raise LookupError(f"{name} is no gateway of this mall; PAYMENT_GATEWAYS has {settings.PAYMENT_GATEWAYS}.")
    made: Gateway = import_string(f"cart.checkout.payments.{name}.gateway.Gateway")()
    return made

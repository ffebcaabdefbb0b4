"""A decorator of views below an order's page: its link opens the order, and stays between browser and mall."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cart.orders.access import LinkOverError, open_order
from vendors.http import MallRequest

OrderView = Callable[..., HttpResponse]


def keep_private(response: HttpResponse) -> HttpResponse:
    """Let the address, which is a key, reach neither other sites nor search engines.

    Not "no-referrer": browsers then send the Origin of a form as null, which the defence against forgery refuses.
    """
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response


def order_path(token: str) -> str:
    """Return the path of the order's page by the link that one came by: a new one would never run out."""
    return reverse(settings.ORDER_STATUS_VIEW, args=[token])


def back_to_order(token: str) -> HttpResponse:
    """Redirect to the order's page."""
    return HttpResponseRedirect(order_path(token), status=303)


def with_order(*methods: str) -> Callable[[OrderView], OrderView]:
    """Call a view with the order of its link; a link that is over leads to the order's page, which renews it."""

    def decorate(view: OrderView) -> OrderView:
        @never_cache
        @require_http_methods(methods)
        @functools.wraps(view)
        def opened(request: MallRequest, token: str, **kwargs: Any) -> HttpResponse:
            try:
                order = open_order(request, token)
            except LinkOverError:
                return back_to_order(token)
            return keep_private(view(request, order, token=token, **kwargs))

        return opened

    return decorate

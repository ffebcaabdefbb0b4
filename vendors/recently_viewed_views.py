"""The view by which a shopper has the products forgotten that they looked at, on every host."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from vendors import recently_viewed
from vendors.http import MallRequest, next_path


@require_POST
def forget(request: MallRequest) -> HttpResponse:
    """Empty the list of the visitor, and lead back."""
    recently_viewed.forget(request)
    messages.success(request, gettext("Forgotten. No page shows any more what you looked at."))
    return HttpResponseRedirect(next_path(request, default="/"), status=303)

"""The page on which a department that reads its mail by hand acknowledges a consignment."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from shipping import ack_links, services
from shipping.documents import document
from shipping.models import Dispatch


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def acknowledge(request: HttpRequest, token: str) -> HttpResponse:
    """GET only shows, so that a mail scanner that follows links acknowledges nothing; POST does it."""
    try:
        key = ack_links.key_of(token)
    except ack_links.BadLink as refusal:
        return render(request, "shipping/ack_refused.html", {"refusal": str(refusal)}, status=404)
    dispatch = get_object_or_404(Dispatch.objects.select_related("consignment__vendor"), key=key)
    if request.method == "POST":
        services.record_ack(
            vendor_id=dispatch.consignment.vendor_id, ack_id=key, key=key, source="page", now=timezone.now()
        )
        return HttpResponseRedirect(request.path)
    return render(request, "shipping/ack.html", {"dispatch": dispatch, "order": document(bytes(dispatch.body))})

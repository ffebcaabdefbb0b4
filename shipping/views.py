"""The page on which a department acknowledges a consignment, linked from its mail."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from shipping import ack_links, services
from shipping.documents import parse_body
from shipping.models import Dispatch


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def acknowledge(request: HttpRequest, token: str) -> HttpResponse:
    """Show a dispatch on GET and acknowledge it on POST, so that a mail scanner that follows links changes nothing."""
    try:
        key = ack_links.read_token(token)
    except ack_links.AckLinkError as refusal:
        return render(request, "shipping/ack_refused.html", {"refusal": str(refusal)}, status=404)
    dispatch = get_object_or_404(Dispatch.objects.select_related("consignment__vendor"), key=key)
    newest = Dispatch.objects.filter(consignment=dispatch.consignment_id).order_by("-revision").defer("body")[0]
    replaced = newest.pk != dispatch.pk
    if request.method == "POST" and not replaced:
        services.record_ack(
            vendor_id=dispatch.consignment.vendor_id, ack_id=key, key=key, source="page", now=timezone.now()
        )
        return HttpResponseRedirect(request.path)
    context = {
        "dispatch": dispatch,
        "order": parse_body(bytes(dispatch.body)),
        "newest": newest,
        "replaced": replaced,
    }
    return render(request, "shipping/ack.html", context)

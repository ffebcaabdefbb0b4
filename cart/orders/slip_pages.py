"""The pages in the admin that show packing slips to print, and their PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from cart.orders import packing
from cart.orders.slips import Slip, SlipsFile, find_slips

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    Admin = ModelAdmin[Any]
else:
    Admin = object

MOST = 100  # a longer selection is made as a file by a job


class SlipPagesMixin(Admin):
    """Add the pages to the admin of consignments."""

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs with those of the slips."""
        view = self.admin_site.admin_view
        return [
            path("slips/", view(self.slips_view), name="orders_consignment_slips"),
            path("slips.pdf", view(self.slips_pdf_view), name="orders_consignment_slips_pdf"),
            *super().get_urls(),
        ]

    def slips_view(self, request: HttpRequest) -> HttpResponse:
        """Show slips, each on a sheet of its own when it is printed; a POST records that they were."""
        slips = self._slips(request)
        if request.method == "POST" and self.has_change_permission(request):
            packing.mark_printed(consignment_ids=[slip.consignment.pk for slip in slips], now=timezone.now())
            return HttpResponseRedirect(request.get_full_path())
        context = {
            **self.admin_site.each_context(request),
            "title": f"{len(slips)} packing slip{'' if len(slips) == 1 else 's'}",
            "opts": self.opts,
            "slips": slips,
            "query": request.GET.urlencode(),
            "are_printed": all(slip.consignment.printed_at for slip in slips),
        }
        return TemplateResponse(request, "admin/orders/consignment/slips.html", context)

    def slips_pdf_view(self, request: HttpRequest) -> HttpResponse:
        """Return slips as a PDF."""
        slips = self._slips(request)
        with SlipsFile() as file:
            for slip in slips:
                file.add(slip)
            content = file.content()
        headers = {"Content-Disposition": 'inline; filename="packing-slips.pdf"', "Cache-Control": "no-store"}
        return HttpResponse(content, content_type="application/pdf", headers=headers)

    def _slips(self, request: HttpRequest) -> list[Slip]:
        """Return the slips that the address names, as far as they are of the user's vendors."""
        named = [key for key in request.GET.getlist("pk") if key.isascii() and key.isdecimal() and len(key) <= 18]
        mine = self.get_queryset(request).filter(pk__in=named[:MOST]).values_list("pk", flat=True)
        slips = list(find_slips(list(mine)))
        if not slips:
            raise Http404("There are no slips of these numbers.")
        return slips

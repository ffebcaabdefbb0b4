"""The pages in the admin on which staff change the address of an order: the mall's of any, a shop's of its own.

A shop that is not alone in an order asks the shopper, for the parcels of others go to the address, too.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from cart.aftersale import contact
from cart.aftersale.errors import AfterSaleError
from cart.aftersale.forms import OrderContactForm
from cart.aftersale.models import ContactChange
from cart.orders.models import Consignment, Order
from cart.transactions import RowLockTimeoutError
from vendors.scoped_admin import may_see_all

By = ContactChange.By


class ContactPagesMixin:
    """Add the pages to a VendorScopedAdmin whose roles may use them."""

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs with those of the pages."""
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]  # of the admin it is mixed into
        own = [
            path("consignment/<int:pk>/contact/", wrap(self.consignment_contact), name="aftersale_consignment_contact"),
            path("order/<int:pk>/contact/", wrap(self.order_contact), name="aftersale_order_contact"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # as above

    def consignment_contact(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the page for the order of a consignment of the user's vendors."""
        if not _may_of_mall(request) and (may_see_all(request) or not self.may(request, "view")):  # type: ignore[attr-defined]  # as above
            raise PermissionDenied
        mine: QuerySet[Any] = self.choosable_rows(Consignment, request)  # type: ignore[attr-defined]  # as above
        consignment = get_object_or_404(mine.select_related("order__marketplace", "vendor"), pk=pk)
        return self._contact_page(request, consignment.order, consignment)

    def order_contact(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the page of an order to the mall's staff."""
        if not _may_of_mall(request):
            raise PermissionDenied
        return self._contact_page(request, get_object_or_404(Order, pk=pk), None)

    def _contact_page(self, request: HttpRequest, order: Order, consignment: Consignment | None) -> HttpResponse:
        shop = None if consignment is None or may_see_all(request) else consignment.vendor
        by = By.SHOP if shop else By.MALL
        must_ask = shop is not None and order.consignments.exclude(vendor=shop).exists()
        refusal = contact.refusal(order, by)
        form = OrderContactForm(request.POST or None, order=order, is_postal=not refusal)
        subject = consignment or order
        back = reverse(f"admin:orders_{subject._meta.model_name}_change", args=[subject.pk])
        author = contact.Author(by, str(shop or "the mall"), request.user)
        if form.is_valid() and (text := _change(order, form, author, must_ask=must_ask)):
            self.log_change(request, subject, text)  # type: ignore[attr-defined]  # of the admin
            messages.success(request, text)
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]  # of the admin it is mixed into
            "title": f"Address of {subject}",
            "subject": subject,
            "back": back,
            "must_ask": must_ask,
            "refusal": refusal,
            "form": form,
            "opts": self.opts,  # type: ignore[attr-defined]  # as above
        }
        return TemplateResponse(request, "admin/aftersale/contact.html", context)


def _may_of_mall(request: HttpRequest) -> bool:
    return may_see_all(request) and request.user.has_perm("aftersale.add_contactchange")


def _change(order: Order, form: OrderContactForm, author: contact.Author, *, must_ask: bool) -> str:
    """Change the order, or ask its mail address; return the act as a sentence, '' with the form showing why not."""
    said: dict[str, Any] = {name: form.cleaned_data[name] for name in ("seen", "key")}
    said |= {"order_id": order.pk, "wanted": form.wanted, "author": author, "now": timezone.now()}
    try:
        (contact.ask_change if must_ask else contact.change_contact)(**said)
    except (AfterSaleError, RowLockTimeoutError) as error:
        form.add_error(None, f"Nothing was changed. {error}")
        return ""
    return "Asked the buyer by mail to confirm it." if must_ask else "Changed the address; the buyer gets a letter."

"""The pages in the admin on which staff cancel, take back and refund goods of a consignment or a whole order."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from cart.aftersale import cancelling, contact, refunding, returning
from cart.aftersale.errors import AfterSaleError
from cart.aftersale.forms import AfterSaleForm
from cart.aftersale.models import Cancellation, ContactChange, Return
from cart.orders import refunds
from cart.orders.models import Consignment, Order, OrderLine, Refund
from cart.transactions import RowLockTimeoutError
from vendors.money import Money
from vendors.scoped_admin import may_see_all

TEMPLATE = "admin/aftersale/after_sale.html"
REFUSALS = (AfterSaleError, refunds.RefundError, RowLockTimeoutError)


def may_refund(request: HttpRequest) -> bool:
    """Return whether the user is of the mall's staff for refunds."""
    return may_see_all(request) and request.user.has_perm("orders.add_refund")


class AfterSalePagesMixin:
    """Add the pages to a VendorScopedAdmin whose roles may use them."""

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs with those of the pages."""
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]  # of the admin it is mixed into
        own = [
            path("consignment/<int:pk>/", wrap(self.consignment_view), name="aftersale_consignment"),
            path("order/<int:pk>/", wrap(self.order_view), name="aftersale_order"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # as above

    def consignment_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the page of a consignment of the user's vendors; a POST does as its button says."""
        if not may_refund(request) and (may_see_all(request) or not self.may(request, "view")):  # type: ignore[attr-defined]  # as above
            raise PermissionDenied
        mine: QuerySet[Any] = self.choosable_rows(Consignment, request)  # type: ignore[attr-defined]  # as above
        consignment = get_object_or_404(mine.select_related("order", "vendor"), pk=pk)
        return self._page(request, consignment.order, consignment)

    def order_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the page of a whole order to the mall's staff."""
        if not may_refund(request):
            raise PermissionDenied
        return self._page(request, get_object_or_404(Order, pk=pk), None)

    def _page(self, request: HttpRequest, order: Order, consignment: Consignment | None) -> HttpResponse:
        lines = OrderLine.objects.filter(consignment__order=order).select_related("consignment").order_by("pk")
        if consignment is not None:
            lines = lines.filter(consignment=consignment)
        form = AfterSaleForm(request.POST or None, lines=lines, currency=order.currency)
        if request.method == "POST" and form.is_valid() and self._press(request, form, order, consignment):
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]  # of the admin it is mixed into
            **page_context(order, consignment),
            "form": form,
            "opts": self.opts,  # type: ignore[attr-defined]  # as above
        }
        return TemplateResponse(request, TEMPLATE, context)

    def _press(self, request: HttpRequest, form: AfterSaleForm, order: Order, consignment: Consignment | None) -> bool:
        """Do as the pressed button says; return False, with the form showing why, where it is refused."""
        try:
            text = press(request, form, order, consignment)
        except REFUSALS as error:
            form.add_error(None, f"Nothing was changed. {error}")
            return False
        self.log_change(request, consignment or order, text)  # type: ignore[attr-defined]  # of the admin
        messages.success(request, text)
        return True


def press(request: HttpRequest, form: AfterSaleForm, order: Order, consignment: Consignment | None) -> str:
    """Do as the pressed button says; return the act as a sentence. Raise one of REFUSALS."""
    said: Any = {
        "key": form.cleaned_data["key"],
        "why": form.cleaned_data["why"],
        "user": request.user,
        "now": timezone.now(),
    }
    match request.POST.get("button"), consignment:
        case "cancel", _:
            cancelling.cancel_lines(order_id=order.pk, pieces=form.pieces, **said)
            return "Cancelled the pieces; the shopper gets a letter."
        case "cancel-all", None:
            cancelling.cancel_order(order_id=order.pk, **said)
            return f"Cancelled what was not sent of order {order.number}; the shopper gets a letter."
        case "cancel-all", Consignment():
            cancelling.cancel_consignment(consignment_id=consignment.pk, **said)
            return f"Cancelled {consignment.number}; the shopper gets a letter."
        case "return", Consignment():
            returning.ask_return(consignment_id=consignment.pk, pieces=form.pieces, **said)
            return "Took down the return; accept it in the list of returns."
        case "refund", _:
            one = consignment.pk if consignment else None
            refund = refunding.refund_amount(order_id=order.pk, amount=form.minor_amount, consignment_id=one, **said)
            return f"{refund.money} goes back; the shopper gets a letter once it is made."
    raise Http404(f"There is no button {request.POST.get('button')!r} here.")


def page_context(order: Order, consignment: Consignment | None) -> dict[str, Any]:
    """Return the context of the page of a consignment or, without one, of its order."""
    subject = consignment or order
    page, states, cancellations, returns, paid_back = _rows_of(order, consignment)
    one = consignment.pk if consignment else None
    left = sum(refunds.refundable(order, consignment_id=one).values())
    refunded = paid_back.annotate(sum=Sum("parts__amount"))  # of this consignment alone
    return {
        "title": f"After the sale: {subject}",
        "subject": subject,
        "back": reverse(f"admin:{page}", args=[subject.pk]),
        "consignment": consignment,
        "left": Money(left, order.currency) if order.payments.filter(state="captured").exists() else None,
        "can_cancel": order.is_to_pay or bool(states.intersection(cancelling.CANCELLABLE)),
        "can_return": consignment is not None and consignment.state in returning.RETURNABLE,
        "cancellations": cancellations.distinct().prefetch_related("lines__line"),
        "returns": returns.prefetch_related("lines__line"),
        "changes": [(each, contact.lines(each)) for each in ContactChange.objects.filter(order=order)],
        "refunds": [(part, Money(part.sum, order.currency)) for part in refunded],
    }


def _rows_of(
    order: Order, consignment: Consignment | None
) -> tuple[str, set[str], QuerySet[Cancellation], QuerySet[Return], QuerySet[Refund]]:
    """Return a subject's page, its consignments' states, and its cancellations, returns and refunds."""
    if consignment:
        return (
            "orders_consignment_change",
            {consignment.state},
            Cancellation.objects.filter(lines__line__consignment=consignment),
            Return.objects.filter(consignment=consignment),
            Refund.objects.filter(parts__consignment=consignment),
        )
    return (
        "orders_order_change",
        set(order.consignments.values_list("state", flat=True)),
        Cancellation.objects.filter(order=order),
        Return.objects.filter(consignment__order=order),
        Refund.objects.filter(payment__order=order),
    )

"""Admin pages after a sale: returns for the vendors' order people; refunds and transfers for the mall's."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from cart.aftersale import returning, states, transfers
from cart.aftersale.contact_page import ContactPagesMixin
from cart.aftersale.errors import AfterSaleError
from cart.aftersale.forms import AnswerForm
from cart.aftersale.models import Return, ReturnLine
from cart.aftersale.pages import AfterSalePagesMixin
from cart.checkout.payments.manual.models import BackTransfer, Transfer
from cart.orders.models import Refund, RefundPart
from cart.transactions import RowLockTimeoutError
from vendors.bulk_actions import BulkActionsMixin
from vendors.read_only_admin import ReadOnlyAdminMixin
from vendors.scoped_admin import ORDER_ROLES, VendorScopedAdmin, VendorScopedInline


class ReturnLineInline(ReadOnlyAdminMixin, VendorScopedInline):
    """Show the goods of a return."""

    model = ReturnLine
    vendor_roles = ORDER_ROLES
    fields = ("line", "pieces")
    readonly_fields = fields


@admin.register(Return)
class ReturnAdmin(AfterSalePagesMixin, ContactPagesMixin, ReadOnlyAdminMixin, VendorScopedAdmin):
    """The queue of returns: accept, refuse with a reason, or write down that the goods are back."""

    vendor_roles = ORDER_ROLES
    vendor_path = "consignment__vendor"
    list_display = ["consignment", "vendor", "state", "asked_at", "why", "received_at"]
    list_filter = ["state", "consignment__vendor"]
    list_select_related = ["consignment__vendor"]
    search_fields = ["consignment__number"]
    fields = ("consignment", "state", "why", "asked_at", "answer", "answered_at", "user", "received_at")
    readonly_fields = ("asked_at",)
    inlines = [ReturnLineInline]
    change_form_template = "admin/aftersale/return/change_form.html"

    @admin.display(description="vendor", ordering="consignment__vendor__name")
    def vendor(self, found: Return) -> str:
        """Return the vendor that the goods go back to."""
        return str(found.consignment.vendor)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a return with its buttons; a POST does as the pressed one says."""
        found = self.get_object(request, unquote(object_id))
        context: dict[str, Any] = extra_context or {}
        if found is not None and self.has_view_permission(request, found):
            may_answer = self.may(request, "change")
            if request.method == "POST" and "button" in request.POST and may_answer:
                return self._answer(request, found)
            following = [state for state in Return.State if may_answer and states.can_transition(found.state, state)]
            context |= {"following": following, "answer_form": AnswerForm()}
        return super().change_view(request, object_id, form_url, context)

    def _answer(self, request: HttpRequest, found: Return) -> HttpResponse:
        form = AnswerForm(request.POST)
        try:
            text = press(request, found, form.cleaned_data["answer"]) if form.is_valid() else ""
        except (AfterSaleError, RowLockTimeoutError) as error:
            messages.error(request, f"Nothing was changed. {error}")
            return HttpResponseRedirect(request.path)
        if text:
            self.log_change(request, found, text)
            messages.success(request, text)
        else:
            messages.error(request, "The answer is too long; nothing was changed.")
        return HttpResponseRedirect(request.path)


def press(request: HttpRequest, found: Return, answer: str) -> str:
    """Do as the button of a return says; return the act as a sentence. Raise AfterSaleError."""
    said: Any = {"return_id": found.pk, "user": request.user, "now": timezone.now()}
    match request.POST.get("button"):
        case "accept":
            returning.accept_return(answer=answer, **said)
            return "Accepted; the shopper gets a letter."
        case "refuse":
            returning.refuse_return(answer=answer, **said)
            return "Refused; the shopper gets a letter with your reason."
        case "sellable":
            returning.receive_return(is_sellable=True, **said)
            return "The goods are back on hand, and the money goes back."
        case "damaged":
            returning.receive_return(is_sellable=False, **said)
            return "The money goes back; the goods are not counted as on hand."
    raise Http404(f"There is no button {request.POST.get('button')!r}.")


class RefundPartInline(ReadOnlyAdminMixin, admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """Show the parts of a refund."""

    model = RefundPart
    fields = ("consignment", "line", "amount")
    readonly_fields = fields
    extra = 0


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Show refunds, and which the gateway has not made yet."""

    list_display = ["payment", "money", "state", "why", "created_at", "made_at", "looks"]
    list_filter = ["state"]
    list_select_related = ["payment"]
    search_fields = ["payment__order__number", "key"]
    date_hierarchy = "created_at"
    inlines = [RefundPartInline]


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdminMixin, BulkActionsMixin):
    """The bank transfers that are awaited, for the mall's staff to mark as paid."""

    list_display = ["purpose", "money", "state", "created_at", "received_at", "received_by"]
    list_filter = ["state"]
    list_select_related = ["received_by"]
    search_fields = ["purpose", "reference"]
    actions = ["mark_paid"]

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may write down transfers that the bank shows."""
        return request.user.has_perm("manual_gateway.change_transfer")

    @admin.action(description="Mark as paid: the whole amount is on the account", permissions=["settle"])
    def mark_paid(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Write down that the selected transfers came, and settle their orders."""
        for transfer in rows.order_by("pk"):
            order = transfers.mark_paid(reference=transfer.reference, user=request.user, now=timezone.now())
            self.log_change(request, transfer, "Marked as paid.")
            messages.success(request, f"{transfer}: the order is {order.get_state_display()}.")


@admin.register(BackTransfer)
class BackTransferAdmin(ReadOnlyAdminMixin, BulkActionsMixin):
    """The amounts that the mall's staff transfer back."""

    list_display = ["transfer", "money", "created_at", "made_at", "made_by"]
    list_filter = [("made_at", admin.EmptyFieldListFilter)]
    list_select_related = ["transfer", "made_by"]
    search_fields = ["transfer__purpose", "key"]
    actions = ["mark_made"]

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may write down transfers back."""
        return request.user.has_perm("manual_gateway.change_backtransfer")

    @admin.action(description="Mark as transferred back", permissions=["settle"])
    def mark_made(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Write down that the selected amounts were transferred back."""
        for back in rows.order_by("pk"):
            transfers.mark_transferred_back(key=back.key, user=request.user, now=timezone.now())
            self.log_change(request, back, "Marked as transferred back.")
        messages.success(request, f"{len(rows)} marked as transferred back.")

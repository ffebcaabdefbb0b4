"""Read-only admin pages of carts, for the mall's own staff."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest

from cart.models import Cart, Line
from vendors.read_only_admin import ReadOnlyAdminMixin


class CartLineInline(ReadOnlyAdminMixin, admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """Show the lines below their cart."""

    model = Line
    fields = ["variant", "quantity", "seen_price", "added_at"]
    readonly_fields = ["variant", "quantity", "seen_price", "added_at"]
    extra = 0


@admin.register(Cart)
class CartAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Show carts with their number of pieces."""

    list_display = ["visitor", "pieces", "changed_at"]
    ordering = ["-changed_at"]
    inlines = [CartLineInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Annotate each cart with its number of pieces."""
        carts: QuerySet[Any] = super().get_queryset(request)
        rows: QuerySet[Any] = carts.annotate(pieces=Sum("lines__quantity"))
        return rows

    @admin.display(ordering="pieces")
    def pieces(self, cart: Any) -> int:
        """Return the number of pieces in a cart."""
        return cart.pieces or 0

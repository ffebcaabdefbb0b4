"""The accounts in the admin, for the mall's staff: workplaces, roles in the mall, and closing an account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet, StringAgg, Subquery, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from mall.accounts import roles
from mall.accounts.errors import LastSuperuserError, RoleRefusedError
from mall.accounts.impersonation_page import ImpersonationPageMixin
from mall.accounts.models import User
from sessions_farm.session import queries
from vendors.models import Membership
from vendors.people import vendors_left_without_owner

OF_THE_MALL = Q(is_superuser=True) | ~Q(mall_role="")


class UserForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Edit a name and the role in the mall, and open or close an account."""

    also_seen = ("mall_role", "is_superuser")
    role = forms.ChoiceField(
        label="Works for the mall as",
        choices=roles.CHOICES,
        required=False,
        help_text="Operator: vendors, domains, approvals, users. Support: reads orders and users, signs in as others. "
        "Finance: payments, refunds, reconciliation, transfers. Only superusers give roles.",
    )

    class Meta:
        model = User
        fields = ("name", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields:
            self.fields["role"].initial = roles.role_of(self.instance)

    def clean_role(self) -> str:
        """Refuse a role that the person cannot have, and to take the last superuser's."""
        role: str = self.cleaned_data["role"]
        if role != roles.role_of(self.instance):
            try:
                roles.refuse_role(self.instance, role)
            except RoleRefusedError as error:
                raise forms.ValidationError(str(error)) from error
        return role

    def clean_is_active(self) -> bool:
        """Refuse to close the account of a shop's last owner, and that of the mall's last superuser."""
        is_active: bool = self.cleaned_data["is_active"]
        if is_active:
            return True
        try:
            roles.refuse_last_superuser(self.instance)
        except LastSuperuserError as error:
            raise forms.ValidationError(str(error)) from error
        if alone := ", ".join(str(vendor) for vendor in vendors_left_without_owner(self.instance)):
            raise forms.ValidationError(f"This is the last owner of {alone}. Invite another owner first.")
        return False


class StaffFilter(admin.SimpleListFilter):
    """Select the people of vendors, or the mall's."""

    title = "works for"
    parameter_name = "works"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("vendor", "a shop"), ("mall", "the mall"), ("none", "nobody")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Select by the choice."""
        works = Exists(Membership.objects.filter(user=OuterRef("pk")))
        match self.value():
            case "vendor":
                return queryset.filter(works)
            case "mall":
                return queryset.filter(OF_THE_MALL)
            case "none":
                return queryset.filter(~works, ~OF_THE_MALL)
        return queryset


@admin.register(User)
class UserAdmin(ImpersonationPageMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Find people, and see where they work; they make their accounts themselves."""

    form = UserForm
    list_display = ["email", "name", "shops", "is_active", "date_joined", "last_login"]
    list_filter = ["is_active", StaffFilter]
    search_fields = ["email", "name"]
    ordering = ["-date_joined"]
    fieldsets = [
        (None, {"fields": ["email", "name", "date_joined", "last_login"]}),
        ("Work", {"fields": ["works_for", "role"]}),
        ("Account", {"fields": ["is_active"], "description": "A closed account is signed out everywhere."}),
    ]
    readonly_fields = ["email", "works_for", "date_joined", "last_login"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Annotate each user with the names of the shops that they work for."""
        works = Membership.objects.filter(user=OuterRef("pk")).order_by().values("user")
        names = works.values(names=StringAgg("vendor__name", Value(", "), distinct=True, order_by="vendor__name"))
        rows: QuerySet[Any] = super().get_queryset(request).annotate(shop_names=Subquery(names))
        return rows

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Deny: people sign up, and are invited on a vendor's page."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: an account is closed, for orders name it."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave the accounts of the mall's staff to superusers."""
        may = super().has_change_permission(request, obj)
        return may and (obj is None or not obj.is_mall_staff or bool(request.user.is_superuser))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 -- Django's signature
        """Read a role from superusers alone."""
        form = super().get_form(request, obj, change, **kwargs)
        return form if request.user.is_superuser else type(form.__name__, (form,), {"role": None})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Offer the roles to superusers alone."""
        fieldsets = super().get_fieldsets(request, obj)
        if request.user.is_superuser:
            return fieldsets
        return [
            (name, {**options, "fields": [each for each in options["fields"] if each != "role"]})
            for name, options in fieldsets
        ]

    @admin.display(description="works for", ordering="shop_names")
    def shops(self, user: Any) -> str:
        """Return the names of the shops, or the mall's with the role."""
        return f"the mall, {roles.role_of(user)}" if user.is_mall_staff else user.shop_names or "–"

    @admin.display(description="works for")
    def works_for(self, user: Any) -> str | SafeString:
        """Link to each vendor that the user works for; its page leads to the people's."""
        if user.is_mall_staff:
            return f"the mall, as {roles.role_of(user)}"
        rows = [
            (reverse("admin:vendors_vendor_change", args=[each.vendor_id]), each.vendor, each.get_role_display())
            for each in Membership.objects.filter(user=user).select_related("vendor")
        ]
        return format_html_join(", ", '<a href="{}">{}</a> ({})', rows) or "–"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Save; a closed account is signed out everywhere."""
        super().save_model(request, obj, form, change)
        role = form.cleaned_data.get("role")
        if role is not None and role != roles.role_of(obj):
            roles.change_role(user=obj, role=role, by=request.user)  # type: ignore[arg-type]  # signed in
        if "is_active" in form.changed_data and not obj.is_active:
            queries.end_everywhere(obj)

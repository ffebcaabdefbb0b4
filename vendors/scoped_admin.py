"""Admin pages scoped to the vendors of the signed-in user.

Scoping ``get_queryset`` alone leaks: filters name other vendors' rows, selects offer them, a POST moves a row. Here a
user without a membership in one of ``vendor_roles`` sees nothing, the mall's staff see all vendors and do what their
permissions allow, and every other row goes through :meth:`VendorScopeMixin.choosable_rows`, which is empty for a model
without a declared scope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.admin.filters import RelatedFieldListFilter
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.auth import get_permission_codename
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import models

from vendors.models import Category, Membership, Vendor
from vendors.people import SEES_ALL

if TYPE_CHECKING:
    from django.forms import ModelForm
    from django.http import HttpRequest

# Models that the vendors of a marketplace share: staff may choose from its rows.
SHARED_MODELS: tuple[type[models.Model], ...] = (Category,)
CATALOGUE_ROLES = frozenset({Membership.Role.OWNER, Membership.Role.CATALOGUE})
ORDER_ROLES = frozenset({Membership.Role.OWNER, Membership.Role.ORDERS})


def may_see_all(request: HttpRequest) -> bool:
    """Return whether the user is of the mall's staff, who see all vendors; vendors' staff see their own."""
    user = request.user
    return bool(user.is_active and user.is_staff and user.has_perm(SEES_ALL))


def vendor_ids(request: HttpRequest, roles: frozenset[str] | set[str]) -> list[int]:
    """Return the vendors at which the user has one of the roles; memberships are queried once a request."""
    memberships: list[tuple[str, int]] | None = getattr(request, "memberships", None)
    if memberships is None:
        found = Membership.objects.filter(user=request.user.pk or 0).values_list("role", "vendor_id")
        memberships = request.memberships = list(found)  # type: ignore[attr-defined]  # lives as long as the request
    return sorted({vendor for role, vendor in memberships if role in roles})


class ScopedRelatedFilter(RelatedFieldListFilter):
    """Offer only rows that the user may see in a related filter."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, Any]]:
        """Return the choices of the filter."""
        rows = cast("VendorScopeMixin", model_admin).choosable_rows(field.remote_field.model, request)
        return [(row.pk, str(row)) for row in rows]


def with_vendor(form: type[ModelForm[Any]], vendor_id: int) -> type[ModelForm[Any]]:
    """Return a form class that sets the vendor before validation, so constraints over the vendor are validated too."""

    class VendorBoundForm(form):  # type: ignore[valid-type, misc]  # made for this request
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.instance.vendor_id = vendor_id

        def _get_validation_exclusions(self) -> set[str]:
            exclusions: set[str] = super()._get_validation_exclusions()
            return exclusions - {"vendor"}

    return VendorBoundForm


class VendorScopeMixin:
    """Scope the permissions and choices of an admin or inline to vendors."""

    admin_site: admin.AdminSite
    model: type[models.Model]
    vendor_roles: frozenset[str] | set[str] = frozenset({Membership.Role.OWNER})

    def may(self, request: HttpRequest, action: str) -> bool:
        """Return whether the user may view, add, change or delete such rows.

        Vendors' staff may by their role, the mall's staff by the permission of that name.
        """
        user = request.user
        if may_see_all(request):
            return user.has_perm(f"{self.model._meta.app_label}.{get_permission_codename(action, self.model._meta)}")
        return bool(user.is_active and user.is_staff and vendor_ids(request, self.vendor_roles))

    def choosable_rows(self, model: Any, request: HttpRequest) -> models.QuerySet[Any]:
        """Return the rows of a model that the user may choose or see; none for a model without a declared scope."""
        every: models.QuerySet[Any] = model._base_manager.all()
        if may_see_all(request):
            return every
        if model in SHARED_MODELS:
            vendors = Vendor.objects.filter(pk__in=vendor_ids(request, self.vendor_roles))
            return every.filter(marketplace__in=vendors.values("marketplace"))
        if model is Vendor:
            return Vendor.objects.filter(pk__in=vendor_ids(request, self.vendor_roles))
        if self.admin_site.is_registered(model):
            scoped = self.admin_site.get_model_admin(model)
            if isinstance(scoped, VendorScopedAdmin):
                return scoped.get_queryset(request)
        return every.none()

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Limit the choices of a foreign key."""
        kwargs["queryset"] = self.choosable_rows(db_field.remote_field.model, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]  # of the admin it is mixed into

    def formfield_for_manytomany(
        self, db_field: models.ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Limit the choices of a many-to-many field."""
        kwargs["queryset"] = self.choosable_rows(db_field.remote_field.model, request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]  # of the admin it is mixed into

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "view")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "view")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "delete")


class VendorScopedAdmin(VendorScopeMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # of whichever model
    """Scope a ModelAdmin to the vendors of the user.

    ``vendor_path`` is the lookup from the model to its vendor ("vendor", "product__vendor"; "" for Vendor itself);
    ``vendor_roles`` are the roles that may use the admin.
    """

    vendor_path = "vendor"
    view_on_site = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Select the rows of the user's vendors."""
        rows = super().get_queryset(request)
        if may_see_all(request):
            return rows
        owned = vendor_ids(request, self.vendor_roles)
        return rows.filter(**{f"{self.vendor_path}__in" if self.vendor_path else "pk__in": owned})

    def get_ordering(self, request: HttpRequest) -> Any:
        """Fall back to the model's ordering, then to the primary key, so pages are stable."""
        return super().get_ordering(request) or self.model._meta.ordering or ["pk"]

    def get_list_display(self, request: HttpRequest) -> Any:
        """Hide the vendor column from staff of a single vendor."""
        columns = super().get_list_display(request)
        return [name for name in columns if name != "vendor"] if self.has_one_vendor(request) else columns

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Scope related filters; hide the vendor filter from staff of a single vendor."""
        entries = super().get_list_filter(request)
        if self.has_one_vendor(request):
            entries = [entry for entry in entries if entry != self.vendor_path]
        return [self.scoped_filter(entry) for entry in entries]

    def has_one_vendor(self, request: HttpRequest) -> bool:
        """Return True if the user works for exactly one vendor."""
        return not may_see_all(request) and len(vendor_ids(request, self.vendor_roles)) == 1

    def scoped_filter(self, entry: Any) -> Any:
        """Replace a related filter by its scoped version."""
        if not isinstance(entry, str):
            return entry
        try:
            field = get_fields_from_path(self.model, entry)[-1]
        except FieldDoesNotExist:
            return entry
        return (entry, ScopedRelatedFilter) if field.is_relation else entry

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave the vendor out of the form if it is preset."""
        fieldsets = super().get_fieldsets(request, obj)
        if not self.presets_vendor(request, obj):
            return fieldsets
        return [
            (name, {**options, "fields": [field for field in options["fields"] if field != "vendor"]})
            for name, options in fieldsets
        ]

    def presets_vendor(self, request: HttpRequest, obj: Any) -> bool:
        """Return True if the user cannot choose the vendor of a row."""
        if self.vendor_path != "vendor" or may_see_all(request):
            return False
        return obj is not None or self.has_one_vendor(request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 -- Django's signature
        """Bind the form to the preset vendor."""
        form = super().get_form(request, obj, change, **kwargs)
        if not self.presets_vendor(request, obj):
            return form
        return with_vendor(form, obj.vendor_id if obj else vendor_ids(request, self.vendor_roles)[0])

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Save, then reject a row of another vendor."""
        super().save_model(request, obj, form, change)
        self.reject_foreign_vendor(request, obj)

    def save_related(self, request: HttpRequest, form: ModelForm[Any], formsets: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Save the inlines, then reject a row of another vendor."""
        super().save_related(request, form, formsets, change)
        self.reject_foreign_vendor(request, form.instance)

    def reject_foreign_vendor(self, request: HttpRequest, obj: Any) -> None:
        """Raise PermissionDenied if a saved row is outside the user's scope; the admin's transaction rolls back."""
        if not self.get_queryset(request).filter(pk=obj.pk).exists():
            raise PermissionDenied(
                f"{obj._meta.verbose_name} {obj.pk} would belong to another vendor; nothing was saved."
            )


class VendorScopedInline(VendorScopeMixin, admin.TabularInline):  # type: ignore[type-arg]  # of whichever model
    """Scope the choices of an inline below a VendorScopedAdmin; its rows are the parent's."""

    extra = 0

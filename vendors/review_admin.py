"""The admin of reviews: the mall's staff publish or refuse them, the shops answer; the text stays its writer's."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from vendors import reviews
from vendors.bulk_actions import BulkActionsMixin, RowsAction, SeenRow, bulk
from vendors.jobs.models import Job, Refusal
from vendors.models import Membership, Review
from vendors.scoped_admin import VendorScopedAdmin, may_see_all

LISTED = 60  # characters of a text in the list


class ReviewForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Decide on a review, or answer it, as it stood on the page."""

    also_seen = ("stars", "name", "text")


class PublishReviews(RowsAction):
    """Publish reviews that wait to be read, each unless it was written anew since."""

    name = "publish_reviews"
    description = "Publish"
    roles = frozenset()  # no shop decides what is said of its goods
    permission = "vendors.change_review"

    def apply(self, job: Job, rows: list[SeenRow]) -> list[Refusal]:
        """Publish the reviews; return the others."""
        seen = {row[0]: row[-1] for row in rows}
        found = Review.objects.select_for_update(no_key=True).filter(pk__in=seen).order_by("pk")
        same = {each.pk for each in found if each.versions == seen[each.pk]}
        Review.objects.filter(pk__in=same).update(state=Review.State.PUBLISHED, why="")
        reviews.settle_reports(same)
        return [(f"review {key}", "It was written anew meanwhile: read it.") for key in sorted(seen.keys() - same)]


class ReportedFilter(admin.SimpleListFilter):
    """Select the reviews that shoppers have reported."""

    title = "reported"
    parameter_name = "reported"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the one choice."""
        return [("yes", "reported by shoppers")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Select by the choice."""
        return queryset.filter(reports__gt=0) if self.value() == "yes" else queryset


class ReviewAdmin(BulkActionsMixin, VendorScopedAdmin):
    """Show reviews; the state is the mall's staff's, the answer the shop's."""

    form = ReviewForm
    vendor_path = "product__vendor"
    vendor_roles = frozenset({Membership.Role.OWNER, Membership.Role.CATALOGUE, Membership.Role.SUPPORT})
    list_display = ["product", "given", "state", "reports", "written_at", "beginning"]
    list_filter = ["state", ReportedFilter, "stars"]
    list_select_related = ["product"]
    search_fields = ["product__name", "name", "text"]
    date_hierarchy = "written_at"
    actions = [bulk(PublishReviews, "publish")]
    seen_fields = ("versions",)

    @admin.display(description="Stars", ordering="stars")
    def given(self, row: Review) -> str:
        """Return the stars in signs."""
        return row.full_stars

    @admin.display(description="Text")
    def beginning(self, row: Review) -> str:
        """Return the beginning of the text."""
        return row.text if len(row.text) <= LISTED else f"{row.text[:LISTED]}…"

    @admin.display(description="Reported, because")
    def why_reported(self, row: Review) -> str:
        """Return the reasons of the reports."""
        return " · ".join(str(each) for each in row.reported.all()[:20]) or "–"

    def has_publish_permission(self, request: HttpRequest) -> bool:
        """Return whether the user is of the mall's staff for reviews."""
        return may_see_all(request) and request.user.has_perm("vendors.change_review")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of the writer, then those of staff; reports are the mall's alone."""
        written = ["product", "given", "name", "text", "written_at"]
        return [*written, *(["why_reported"] if may_see_all(request) else []), "state", "why", "answer"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields that the user may not change."""
        decides = may_see_all(request)
        own = ["answer"] if decides else ["state", "why"]
        return ["product", "given", "name", "text", "written_at", "why_reported", *own]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Save; a save by the mall's staff settles the reports."""
        super().save_model(request, obj, form, change)
        if may_see_all(request):
            reviews.settle_reports([obj.pk])

"""Bulk actions of the admin: jobs over the rows that a list showed, and over no others.

A list reads its first rows once as keys: they count the rows, make the pages, and are what "select all" means. The
page carries them, signed, with the values by which a row was chosen. So a row that came later is left alone, and one
that changed meanwhile is refused by the action, which knows what was seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME, ActionForm
from django.contrib.admin.options import ActionLocation
from django.core import signing
from django.core.paginator import Page, Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from vendors.jobs.admin import after_start
from vendors.jobs.kinds import Kind, RowsKind
from vendors.jobs.services import start_job
from vendors.models import Vendor
from vendors.people import SEES_ALL
from vendors.scoped_admin import vendor_ids

MOST = 10_000
SALT = "vendors.bulk_actions"
UNKNOWN = "Nothing was changed, for the list does not say what it showed. Look at it as it is now, then choose."

SeenRow = list[Any]  # a row's key, and the values that the list showed; as JSON keeps it


class BulkAction(Kind):
    """Do something with selected rows. A row of the job is a SeenRow."""

    description: ClassVar[str]

    def answer(self, request: HttpRequest, rows: list[SeenRow]) -> HttpResponse | None:
        """Return a response where the request does the work by itself; None starts a job."""
        return None


class RowsAction(RowsKind, BulkAction):
    """Do the same to each selected row, in batches of a transaction each."""

    batch_size = 500


class ShownActionForm(ActionForm):
    """Choose an action; carry the rows that the list showed."""

    shown = forms.CharField(label="", required=False, widget=forms.HiddenInput)


class KeysPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Page through the first rows of a list, whose keys are read once."""

    def __init__(self, rows: models.QuerySet[Any], per_page: int, columns: list[str], most: int) -> None:
        super().__init__(rows, per_page)
        self.rows, self.columns, self.most = rows, columns, most

    @cached_property
    def found(self) -> list[tuple[Any, ...]]:
        """Return the keys of the rows with the columns, and one more where there are more than are listed."""
        return list(self.rows.values_list("pk", *self.columns)[: self.most + 1])

    @property
    def keys(self) -> list[tuple[Any, ...]]:
        """Return the keys of the listed rows, with the columns."""
        return self.found[: self.most]

    @property
    def is_cut(self) -> bool:
        """Return whether there are rows that are not listed."""
        return len(self.found) > self.most

    @cached_property
    def count(self) -> int:
        """Return the number of listed rows."""
        return len(self.keys)

    def page(self, number: int | str) -> Any:
        """Return a page, read by the keys."""
        number = self.validate_number(number)
        keys = self.keys[(number - 1) * self.per_page : number * self.per_page]
        return Page(self.rows.filter(pk__in=[key[0] for key in keys]), number, self)


class BulkActionsMixin(admin.ModelAdmin):  # type: ignore[type-arg]  # of whichever model
    """Let all actions of an admin act on the rows that its list showed; those made by ``bulk`` start jobs."""

    action_form = ShownActionForm
    show_full_result_count = False
    seen_fields: tuple[str, ...] = ()
    most_listed = MOST

    def get_paginator(self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any) -> Any:
        """Return the paginator that reads the keys; the pages of the history have the usual one."""
        if queryset.model is not self.model:
            return super().get_paginator(request, queryset, per_page, *args, **kwargs)
        return KeysPaginator(queryset, per_page, [*self.vendor_column(), *self.seen_fields], self.most_listed)

    def vendor_column(self) -> list[str]:
        """Return the lookup of a row's vendor, if its rows have one."""
        path = getattr(self, "vendor_path", None)
        return [] if path is None else [f"{path}_id" if path else "pk"]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list; the form of its actions carries the rows."""
        response = super().changelist_view(request, extra_context)
        context: dict[str, Any] = getattr(response, "context_data", None) or {}
        if "cl" in context:
            paginator = context["cl"].paginator
            if paginator.is_cut:
                context["subtitle"] = (
                    f"The first {paginator.most:,} are listed. Search, or choose a filter, to see others."
                )
            if context["action_form"]:
                context["action_form"].fields["shown"].initial = pack(paginator.keys, self.salt(request))
        return response

    def response_action(
        self, request: HttpRequest, queryset: Any, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> HttpResponse | None:
        """Run an action over the rows that were shown."""
        if request.POST.get("select_across") == "1":
            shown = self.shown(request)
            if shown is None:
                messages.error(request, UNKNOWN)
                return None
            queryset = queryset.filter(pk__in=[row[0] for row in shown])
        return super().response_action(request, queryset, action_location)

    def salt(self, request: HttpRequest) -> str:
        """Return the salt of the list's signature: it is good for one person and one list."""
        return f"{SALT} {self.opts.label} {request.user.pk}"

    def shown(self, request: HttpRequest) -> list[SeenRow] | None:
        """Return the rows that the posted list showed; None where it does not say."""
        return unpack(request.POST.get("shown", ""), self.salt(request))

    def chosen(self, request: HttpRequest) -> list[SeenRow] | None:
        """Return the chosen rows as the list showed them; None where it does not say."""
        shown = self.shown(request)
        if shown is None or request.POST.get("select_across") == "1":
            return shown
        chosen = set(request.POST.getlist(ACTION_CHECKBOX_NAME))
        rows = [row for row in shown if str(row[0]) in chosen]
        return rows if len(rows) == len(chosen) else None

    def start(self, request: HttpRequest, kind: type[BulkAction]) -> HttpResponse:
        """Start the jobs of an action over the chosen rows, and lead to their results."""
        chosen = self.chosen(request)
        if chosen is None:
            messages.error(request, UNKNOWN)
            return HttpResponseRedirect(request.get_full_path())
        place = 1 + len(self.vendor_column())
        rows = [(row[1] if place > 1 else None, [row[0], *row[place:]]) for row in chosen]
        return start_jobs(request, kind, rows, self.opts)


def start_jobs(
    request: HttpRequest, kind: type[BulkAction], rows: Iterable[tuple[int | None, SeenRow]], opts: Any
) -> HttpResponse:
    """Start a job for each vendor of rows at which the user may, or one for all; lead to their results.

    A row comes with its vendor's key. The mall's staff act on the rows of all vendors in one job.
    """
    found: dict[int | None, list[SeenRow]] = defaultdict(list)
    is_of_mall = may_act_for_all(request.user, kind)
    for vendor_id, row in rows:
        found[None if is_of_mall else vendor_id].append(row)
    vendors: dict[int | None, Vendor | None] = {None: None} if is_of_mall else {}
    mine = set(vendor_ids(request, kind.roles))
    vendors |= Vendor.objects.in_bulk([pk for pk in found if pk in mine])
    back = request.get_full_path()
    response: HttpResponse = HttpResponseRedirect(back)
    for vendor_id in found.keys() & vendors.keys():
        of_vendor, vendor = found[vendor_id], vendors[vendor_id]
        noun = opts.verbose_name if len(of_vendor) == 1 else opts.verbose_name_plural
        response = kind().answer(request, of_vendor) or after_start(
            request,
            start_job(
                kind=kind,
                title=f"{kind.description}: {len(of_vendor):,} {noun}",
                user=request.user,
                vendor=vendor,
                now=timezone.now(),
                rows=of_vendor,
            ),
            back,
        )
    return response


def may_act_for_all(user: Any, kind: type[BulkAction]) -> bool:
    """Return whether a user of the mall's staff may run the action over rows of every vendor."""
    return bool(user.has_perm(SEES_ALL) and user.has_perm(kind.permission))


def bulk(kind: type[BulkAction], *permissions: str) -> Any:
    """Return the action of an admin that starts the jobs; it needs one of the admin's ``permissions``."""

    def action(options: BulkActionsMixin, request: HttpRequest, _rows: Any) -> HttpResponse:
        return options.start(request, kind)

    action.__name__ = kind.name
    return admin.action(action, permissions=permissions or ("change",), description=kind.description)


def pack(rows: list[tuple[Any, ...]], salt: str) -> str:
    """Return rows as signed text: the keys of those with the same values, as differences."""
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for key, *values in rows:
        groups[tuple(values)].append(key)
    packed = [(values, [b - a for a, b in pairwise([0, *sorted(keys)])]) for values, keys in groups.items()]
    return signing.dumps(packed, salt=salt, compress=True)


def unpack(text: str, salt: str) -> list[SeenRow] | None:
    """Return the rows of a signed text, ordered by key; None where the signature is not ours."""
    try:
        groups = signing.loads(text, salt=salt)
    except signing.BadSignature:
        return None
    return sorted(([key, *values] for values, steps in groups for key in accumulate(steps)), key=lambda row: row[0])

"""The tasks on the admin's front page: each counts the rows of a list, and leads to exactly these.

The rows are found as the list finds them, by its own admin and filters, from the address that the tile links to.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, Min, Subquery, Value
from django.http import QueryDict
from django.urls import reverse

from mall.accounts.models import User
from vendors.scoped_admin import may_see_all

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Task:
    """Name the rows of one list that wait for a person, by the query of its address."""

    one: str
    many: str
    model: str
    query: str
    is_alarm: bool = False  # red, where there is any
    oldest: str = ""  # the lookup of the time since when a row waits


@dataclass(frozen=True, slots=True)
class Tile:
    """Show a task with its number of rows."""

    label: str
    count: int
    url: str
    is_alarm: bool
    since: datetime | None


TO_PACK = Task("order to pack", "orders to pack", "orders.consignment", "queue=to_pack", oldest="placed_at")
TO_SEND = Task("order packed, to send", "orders packed, to send", "orders.consignment", "queue=packed")
LATE = Task("order late", "orders late", "orders.consignment", "queue=late", is_alarm=True)
RETURNS = Task("return asked for", "returns asked for", "aftersale.return", "state__exact=asked")
FAILED = Task("dispatch failed", "dispatches failed", "shipping.dispatch", "state__exact=dead", is_alarm=True)
LOW = Task("variant runs low", "variants run low", "vendors.stock", "low=yes")

VENDOR_TASKS = (TO_PACK, LATE, TO_SEND, RETURNS, FAILED, LOW)
MALL_TASKS = (
    Task("vendor waits for approval", "vendors wait for approval", "vendors.vendor", "status__exact=asked"),
    LATE,
    FAILED,
    Task("letter not taken", "letters not taken", "letters.letter", "given_up=yes", is_alarm=True),
    Task("refund to be made", "refunds to be made", "orders.refund", "state__exact=due", oldest="created_at"),
    Task("bank transfer awaited", "bank transfers awaited", "manual_gateway.transfer", "state__exact=awaited"),
    Task("amount to transfer back", "amounts to transfer back", "manual_gateway.backtransfer", "made_at__isempty=1"),
    RETURNS,
    Task("review to read", "reviews to read", "vendors.review", "state__exact=waiting", oldest="written_at"),
    Task("review reported", "reviews reported", "vendors.review", "reported=yes"),
)


class ReadAddress(ChangeList):
    """Select the rows of a list's address; ask for no page of them."""

    def get_results(self, request: HttpRequest) -> None:
        """Leave the rows unread."""


def tiles(request: HttpRequest) -> list[Tile]:
    """Return the tasks that the user may see with their counts, in one query."""
    tasks = [
        task
        for task in (MALL_TASKS if may_see_all(request) else VENDOR_TASKS)
        if _options(task.model).has_view_permission(request)
    ]
    if not tasks:
        return []
    expressions: dict[str, Any] = {}
    for number, task in enumerate(tasks):
        rows = rows_at(request, task.model, task.query).order_by().annotate(all=Value(1)).values("all")
        expressions[f"count_{number}"] = Subquery(rows.annotate(found=Count("pk")).values("found"))
        if task.oldest:
            expressions[f"since_{number}"] = Subquery(rows.annotate(found=Min(task.oldest)).values("found"))
    found: Any = User.objects.filter(pk=request.user.pk or 0).values(**expressions).get()
    return list(_tiles(tasks, found))


def rows_at(request: HttpRequest, model: str, query: str) -> QuerySet[Any]:
    """Return the rows that the list of a model shows to the user at an address with this query."""
    options = _options(model)
    asked = copy.copy(request)
    asked.GET = QueryDict(query)
    filters = [each for each in options.get_list_filter(asked) if _name_of(each) in {*_names(query)}]
    found = ReadAddress(
        asked, options.model, ["pk"], [], filters, None, (), False, 1, 1, (), options, None, ""  # noqa: FBT003 -- Django's
    )  # fmt: skip
    queryset: QuerySet[Any] = found.queryset
    return queryset


def _tiles(tasks: list[Task], found: dict[str, Any]) -> Iterable[Tile]:
    for number, task in enumerate(tasks):
        count = found[f"count_{number}"] or 0
        yield Tile(
            label=task.one if count == 1 else task.many,
            count=count,
            url=f"{reverse('admin:{}_{}_changelist'.format(*task.model.split('.')))}?{task.query}",
            is_alarm=task.is_alarm and count > 0,
            since=found.get(f"since_{number}"),
        )


def _options(model: str) -> admin.ModelAdmin[Any]:
    return admin.site.get_model_admin(apps.get_model(model))


def _names(query: str) -> Iterable[str]:
    return (name.partition("__")[0] for name in QueryDict(query))


def _name_of(entry: Any) -> str:
    """Return the name of a filter in an address: its parameter's, or its field's."""
    field = entry[0] if isinstance(entry, tuple) else entry
    return str(getattr(field, "parameter_name", field))

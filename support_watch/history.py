"""The history of a vendor's visits: a day's pages by key, search, the hours of a chart, and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Prefetch, Q, QuerySet
from django.db.models.functions import ExtractHour
from django.utils import timezone

from support_watch.models import Claim, SupportVisit

ROWS = 100
CSV_ROWS = 100_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Day:
    """A page of one day's visits, the latest first; ``more`` is the id after which the next page begins, or None."""

    visits: list[SupportVisit]
    total: int
    more: int | None


@dataclass(frozen=True, slots=True)
class Bar:
    """The visits of one hour; ``height`` is a percentage of the highest bar."""

    hour: int
    count: int
    height: int


def day_of(day: date | None, now: datetime) -> tuple[datetime, datetime]:
    """Return the begin and the end of a local day; of today without a day."""
    local = timezone.localtime(now)
    begin = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if day is not None:
        begin = begin.replace(year=day.year, month=day.month, day=day.day)
    end = timezone.make_aware(datetime.combine(begin.date() + timedelta(days=1), begin.time()))
    return begin, end


def found(*, vendor_id: int, begin: datetime, end: datetime, words: str = "") -> QuerySet[SupportVisit]:
    """Select a vendor's visits of a time, by words in their name, path, holder or note."""
    rows = SupportVisit.objects.for_vendor(vendor_id).between(begin, end)
    if not words:
        return rows
    name = words.lower().removeprefix("visitor").strip()
    by_name = Q(visit__startswith=name, level__gt=0) if name else Q(level__gt=0)
    held = Claim.objects.filter(Q(by_name__icontains=words) | Q(note__icontains=words)).values("visit")
    return rows.filter(by_name | Q(path__icontains=words) | Q(pk__in=held))


def page_of(
    *, vendor_id: int, begin: datetime, now: datetime, words: str = "", after: int | None = None, rows: int = ROWS
) -> Day:
    """Return a page of a day's visits, found by their key, so the thousandth page costs what the first does."""
    _, end = day_of(timezone.localtime(begin).date(), now)
    every = found(vendor_id=vendor_id, begin=begin, end=end, words=words)
    wanted = every
    last = SupportVisit.objects.for_vendor(vendor_id).filter(pk=after).first() if after else None
    if last is not None:
        wanted = every.filter(Q(arrived_at__lt=last.arrived_at) | Q(arrived_at=last.arrived_at, pk__lt=last.pk))
    claims = Prefetch("claims", Claim.objects.order_by("-claimed_at"))
    visits = list(wanted.prefetch_related(claims)[: rows + 1])
    more = visits[rows - 1].pk if len(visits) > rows else None
    return Day(visits[:rows], every.order_by().count(), more)


def chart(*, vendor_id: int, begin: datetime, now: datetime) -> list[Bar]:
    """Return the visits of each hour of a day."""
    _, end = day_of(timezone.localtime(begin).date(), now)
    hours = found(vendor_id=vendor_id, begin=begin, end=end).order_by().annotate(hour=ExtractHour("arrived_at"))
    counts = {row["hour"]: row["count"] for row in hours.values("hour").annotate(count=Count("pk"))}
    highest = max(counts.values(), default=0) or 1
    return [Bar(hour, counts.get(hour, 0), round(100 * counts.get(hour, 0) / highest)) for hour in range(24)]


def as_csv(*, vendor_id: int, begin: datetime, now: datetime, words: str = "") -> Iterator[str]:
    """Yield a day's visits as lines of CSV, oldest last, at most CSV_ROWS."""
    yield csv_line("Visitor", "Page", "Came", "Left", "Told late", "Taken by", "Note")
    _, end = day_of(timezone.localtime(begin).date(), now)
    rows = found(vendor_id=vendor_id, begin=begin, end=end, words=words)
    claims = Prefetch("claims", Claim.objects.order_by("-claimed_at"))
    for visit in rows.prefetch_related(claims)[:CSV_ROWS].iterator(chunk_size=2000):
        held = next(iter(visit.claims.all()), None)
        yield csv_line(
            visit.name,
            visit.path,
            timezone.localtime(visit.arrived_at).isoformat(timespec="seconds"),
            timezone.localtime(visit.left_at).isoformat(timespec="seconds") if visit.left_at else "",
            "yes" if visit.late else "",
            held.by_name if held else "",
            held.note if held else "",
        )


def csv_line(*cells: str) -> str:
    """Return one line; a cell that a spreadsheet would take for a formula is made text."""
    line = io.StringIO()
    csv.writer(line).writerow(f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells)
    return line.getvalue()

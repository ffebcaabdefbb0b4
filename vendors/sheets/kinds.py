"""Jobs of spreadsheets: check a file, import a checked one, export one's rows.

The check keeps its preview as a file of its job. The import makes the plan again with the rows locked, and writes it in
one transaction, if it is the preview's: whatever moved meanwhile, nothing is written that the person did not see.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, NoReturn, cast

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from vendors.jobs.errors import JobRefusedError
from vendors.jobs.kinds import Kind
from vendors.jobs.models import Job, JobFile, Refusal
from vendors.jobs.run import Run
from vendors.models import Vendor
from vendors.scoped_admin import CATALOGUE_ROLES
from vendors.sheets import neutral, prices, products, stock, writing
from vendors.sheets.errors import SheetError
from vendors.sheets.plan import HEADINGS, Line, Plan
from vendors.sheets.reading import Table, read_table
from vendors.sheets.sheet import SHEETS, STEP, ImportableSheet

__all__ = ["prices", "products", "stock"]

SHOWN = 100  # rows of a preview on the page; its file has all
TEXT_SHOWN = 120

type Preview = dict[int, list[list[str]]]  # differences by row number


class CheckKind(Kind):
    """Check a file: find the changes that it would make, or say in which rows it cannot."""

    name = "sheet_check"
    roles = CATALOGUE_ROLES
    permission = "vendors.change_product"
    template = "admin/sheets/preview.html"
    refusals_title = "Rows with faults"

    def context(self, job: Job) -> dict[str, Any]:
        """Return the preview, and the addresses that lead on."""
        found = arguments_of(job)
        model = found["model"]
        return {
            "preview": found.get("preview", []),
            "shown": SHOWN,
            "start": page_of(model, "import_start", job.pk),
            "another": page_of(model, "import"),
            "imported": import_of(job),
        }

    def run(self, run: Run) -> str:
        """Make the plan of a file, and keep it as the preview."""
        sheet, vendor = sheet_of(run.job), vendor_of(run.job)
        table, lines = parse(run, sheet, vendor, bytes(run.input().content))
        plan = sheet.plan(vendor, table, lines)
        refuse_faulty(run, plan)
        preview = plan.preview()
        with run.batch():
            run.job.position = len(lines)
            run.keep(preview=shown(preview))
            if preview:
                content = writing.write(writing.Format.CSV, HEADINGS, preview)
                run.output("changes.csv", writing.Format.CSV.content_type, content)
        return "Nothing was imported yet. " + (in_words(plan) if preview else "There is nothing to change.")


class ImportKind(Kind):
    """Import a file that was checked: all of it in one transaction, or nothing."""

    name = "sheet_import"
    roles = CATALOGUE_ROLES
    permission = "vendors.change_product"
    template = "admin/sheets/imported.html"
    refusals_title = "Rows that changed meanwhile"

    def context(self, job: Job) -> dict[str, Any]:
        """Return the addresses that lead on."""
        found = arguments_of(job)
        model = found["model"]
        return {"again": page_of(model, "import_again", found["check"]), "list": page_of(model, "changelist")}

    def run(self, run: Run) -> str:
        """Make the plan again, and write it if it equals the preview."""
        if run.job.arguments.get("written"):  # by a worker that died before it said so
            return str(run.job.arguments["written"])
        sheet, vendor, check = sheet_of(run.job), vendor_of(run.job), check_of(run.job)
        content, seen = files_of(check)
        table, lines = parse(run, sheet, vendor, content)
        try:
            with transaction.atomic():
                sheet.lock(vendor, lines)
                plan = sheet.plan(vendor, table, lines)
                changed = changed_meanwhile(plan, seen)
                if not changed:
                    sheet.write(plan.writes, run.job.user, timezone.now())
                    summary = f"Imported: {in_words(plan)}"
                    with run.batch():
                        run.job.position = run.job.total
                        run.keep(written=summary)
        except IntegrityError as error:
            raise JobRefusedError(
                "Nothing was imported: the shop changed at the same moment. Check the file again."
            ) from error
        if changed:
            refuse(run, changed, "changed since the check")
        return summary


class ExportKind(Kind):
    """Export a vendor's rows as a file."""

    name = "sheet_export"
    roles = CATALOGUE_ROLES
    permission = "vendors.view_product"
    most_rows: ClassVar[int] = 200_000

    def run(self, run: Run) -> str:
        """Write the file."""
        sheet, vendor, form = (
            SHEETS[run.job.arguments["sheet"]],
            vendor_of(run.job),
            writing.Format(run.job.arguments["format"]),
        )
        count = 0

        def counted() -> Iterator[Sequence[writing.Value]]:
            nonlocal count
            for count, row in enumerate(self.rows(run.job, vendor), start=1):
                if count > self.most_rows:
                    raise JobRefusedError(f"There are more than {self.most_rows:,} rows.")
                if count % (STEP * 4) == 0:
                    run.progress(count, count)
                yield row

        try:
            content = writing.write(form, sheet.headings, counted())
        except SheetError as error:
            raise JobRefusedError(str(error)) from error
        run.progress(count, count)
        run.output(f"{vendor.slug}-{sheet.name}.{form.suffix}", form.content_type, content)
        return f"{count:,} rows."

    def rows(self, job: Job, vendor: Vendor) -> Iterator[Sequence[writing.Value]]:
        """Yield the cells of the rows."""
        return SHEETS[job.arguments["sheet"]].rows(vendor)


def arguments_of(job: Job) -> dict[str, Any]:
    """Return the arguments of a job, which a page of jobs leaves out."""
    found: dict[str, Any] = Job.objects.values_list("arguments", flat=True).get(pk=job.pk)
    return found


def sheet_of(job: Job) -> ImportableSheet:
    """Return the kind of spreadsheet of a job."""
    return cast("ImportableSheet", SHEETS[job.arguments["sheet"]])


def vendor_of(job: Job) -> Vendor:
    """Return the vendor of a job with its marketplace."""
    return Vendor.objects.select_related("marketplace").get(pk=cast("int", job.vendor_id))


def check_of(job: Job) -> Job:
    """Return the check of an import: of the same person, vendor and kind. Raise JobRefusedError."""
    checks = Job.objects.filter(kind=CheckKind.name, user=job.user_id, vendor=job.vendor_id, state=Job.State.FINISHED)
    check = checks.filter(pk=job.arguments["check"], arguments__sheet=job.arguments["sheet"]).first()
    if check is None:
        raise JobRefusedError("The check of this file is no longer there: hand the file in again.")
    return check


def import_of(check: Job) -> Job | None:
    """Return the import of a check that waits, is under way, or is done."""
    lost = (Job.State.REFUSED, Job.State.STOPPED)
    return Job.objects.filter(kind=ImportKind.name, arguments__check=check.pk).exclude(state__in=lost).first()


def page_of(model: str, page: str, *numbers: int) -> str:
    """Return the address of a page of spreadsheets in the admin of a model."""
    return reverse(f"admin:{model}_{page}", args=numbers)


def files_of(check: Job) -> tuple[bytes, Preview]:
    """Return the file of a check, and its preview by row number."""
    files = {file.direction: bytes(file.content) for file in check.files.all()}
    rows = csv.reader(io.StringIO(files[JobFile.Direction.OUT].decode("utf-8-sig"), newline=""))
    next(rows)  # the headings
    return files[JobFile.Direction.IN], by_row([neutral.unescape(text) for text in row] for row in rows)


def by_row(preview: Iterable[Sequence[str]]) -> Preview:
    """Return the differences of a preview by row number."""
    found: Preview = {}
    for row in preview:
        found.setdefault(int(row[0]), []).append(list(row))
    return found


def parse(run: Run, sheet: ImportableSheet, vendor: Vendor, content: bytes) -> tuple[Table, list[Line]]:
    """Read a file with progress. Raise JobRefusedError."""
    try:
        table = read_table(content)
        total = len(table.rows)
        run.job.refused, run.job.refusals, run.job.reasons = 0, [], {}  # of a worker that died behind them
        run.progress(0, total)
        return table, sheet.parse(vendor, table, lambda count: run.progress(count, total))
    except SheetError as error:
        raise JobRefusedError(str(error)) from error


def refuse_faulty(run: Run, plan: Plan) -> None:
    """Raise JobRefusedError if a row has a fault; the rows are kept with the job."""
    if faults := faults_of(plan):
        refuse(run, faults, "with a fault")


def faults_of(plan: Plan) -> list[Refusal]:
    """Return the rows that cannot be imported."""
    return [(f"Row {line.number}", " ".join(line.faults)) for line in plan.faulty]


def refuse(run: Run, refusals: list[Refusal], what: str) -> NoReturn:
    """Keep rows with the job, and raise JobRefusedError."""
    with run.batch():
        run.job.position = run.job.total
        run.count(0, refusals)
    number = len(refusals)
    raise JobRefusedError(f"Nothing was imported: {number:,} row{'' if number == 1 else 's'} {what}.")


def changed_meanwhile(plan: Plan, seen: Preview) -> list[Refusal]:
    """Return the rows that would not change as the preview said, or cannot be imported any more."""
    now = by_row(plan.preview())
    return faults_of(plan) or [
        (f"Row {number}", f"it would have been {_words(seen, number)}, and would be {_words(now, number)} now.")
        for number in sorted(seen.keys() | now.keys())
        if seen.get(number) != now.get(number)
    ]


def _words(preview: Preview, number: int) -> str:
    differences = (
        f"{row[3]}: {_short(row[4]) or 'empty'} → {_short(row[5]) or 'empty'}" for row in preview.get(number, [])
    )
    return "; ".join(differences) or "unchanged"


def shown(preview: list[tuple[str, ...]]) -> list[list[str]]:
    """Return the first rows of a preview with short texts, as the page shows them."""
    numbers = list(dict.fromkeys(row[0] for row in preview))[:SHOWN]
    first = set(numbers)
    return [[_short(text) for text in row] for row in preview if row[0] in first]


def in_words(plan: Plan) -> str:
    """Return the counts of a plan as a sentence."""
    counts = plan.counts()
    names = ("new product", "new variant", "changed", "unchanged")
    parts = (
        f"{counts[name]:,} {name}{'s' if counts[name] > 1 and name.startswith('new') else ''}"
        for name in names
        if counts.get(name)
    )
    return ", ".join(parts) + "."


def _short(text: str) -> str:
    return text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN]}…"

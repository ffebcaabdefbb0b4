"""The pages in the admin on which a vendor's staff export spreadsheets, and hand them in for an import."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminRadioSelect
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from vendors.jobs.admin import after_start
from vendors.jobs.models import Job, JobFile
from vendors.jobs.services import start_job
from vendors.models import Vendor
from vendors.sheets import kinds
from vendors.sheets.errors import FileRefusedError
from vendors.sheets.limits import FILE_BYTES, ROWS
from vendors.sheets.reading import refuse_unreadable
from vendors.sheets.sheet import SHEETS, Sheet
from vendors.sheets.writing import Format, write


class SheetForm(forms.Form):
    """Choose the kind of spreadsheet, and the vendor where the person works for several."""

    sheet = forms.ChoiceField(label="What is in it", widget=AdminRadioSelect(attrs={"class": "radiolist"}))
    vendor = forms.ModelChoiceField(Vendor.objects.none(), label="Shop")

    def __init__(self, *args: Any, sheets: list[Sheet], vendors: QuerySet[Vendor], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sheets, self.vendors = sheets, vendors
        self.fields["sheet"].choices = [(sheet.name, sheet.title) for sheet in sheets]  # type: ignore[attr-defined]  # of a ChoiceField
        self.fields["sheet"].initial = sheets[0].name
        self.fields["vendor"].queryset = vendors  # type: ignore[attr-defined]  # of a ModelChoiceField
        if len(sheets) == 1:
            del self.fields["sheet"]
        if len(vendors[:2]) == 1:
            del self.fields["vendor"]

    def chosen_sheet(self) -> Sheet:
        """Return the kind of spreadsheet."""
        return SHEETS[self.cleaned_data.get("sheet") or self.sheets[0].name]

    def chosen_vendor(self) -> Vendor:
        """Return the vendor."""
        return self.cleaned_data.get("vendor") or self.vendors.get()


class ImportForm(SheetForm):
    """Take a file."""

    file = forms.FileField(
        label="File",
        help_text=f"XLSX or CSV, {FILE_BYTES // 2**20} MB and {ROWS:,} rows at most.",
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv,.txt"}),
        error_messages={"required": "Choose a file.", "empty": "The file is empty."},
    )

    def clean_file(self) -> Any:
        """Refuse a file at once that cannot be read; all else is found by the check."""
        file = self.cleaned_data["file"]
        if file.size > FILE_BYTES:
            raise forms.ValidationError(f"The file has more than {FILE_BYTES // 2**20} MB. Split it.")
        try:
            refuse_unreadable(file.read())
        except FileRefusedError as error:
            raise forms.ValidationError(str(error)) from error
        file.seek(0)
        return file


class ExportForm(SheetForm):
    """Choose the format."""

    format = forms.ChoiceField(
        choices=Format, initial=Format.XLSX, widget=AdminRadioSelect(attrs={"class": "radiolist"})
    )


class SheetPagesMixin:
    """Add the pages to the admin of a model; each needs its permission, and knows the user's own vendors alone."""

    admin_site: admin.AdminSite
    opts: Any
    sheet_names: ClassVar[tuple[str, ...]] = ()
    export_kind: ClassVar[type[kinds.ExportKind]] = kinds.ExportKind
    export_form: ClassVar[type[ExportForm]] = ExportForm

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the pages."""
        view = self.admin_site.admin_view
        own = [path("export/", view(self.export_view), name=self._sheet_url("export"))]
        if self._sheets()[0].can_import:
            own += [
                path("import/", view(self.import_view), name=self._sheet_url("import")),
                path(
                    "import/example/<slug:sheet>.<slug:format>",
                    view(self.example_view),
                    name=self._sheet_url("example"),
                ),
                path(
                    "import/<int:pk>/start/", view(require_POST(self.start_view)), name=self._sheet_url("import_start")
                ),
                path(
                    "import/<int:pk>/again/", view(require_POST(self.again_view)), name=self._sheet_url("import_again")
                ),
            ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # of the admin it is mixed into

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list, which leads to the import where the user may change such rows."""
        may_import = self._sheets()[0].can_import and self.may(request, "change")  # type: ignore[attr-defined]  # of the admin it is mixed into
        response: HttpResponse = super().changelist_view(request, {"can_import": may_import, **(extra_context or {})})  # type: ignore[misc]  # as above
        return response

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Show the choices of an export; a POST starts the job."""
        self._require_may(request, "view")
        form = self._sheet_form(request, self.export_form)
        if request.method == "POST" and form.is_valid():
            sheet, vendor = form.chosen_sheet(), form.chosen_vendor()
            arguments = {"sheet": sheet.name, **form.cleaned_data, "vendor": vendor.pk}
            job = start_job(
                kind=self.export_kind, title=f"{sheet.title}: export", user=request.user, vendor=vendor,
                now=timezone.now(), arguments={name: str(value or "") for name, value in arguments.items()},
            )  # fmt: skip
            return after_start(request, job, request.path)
        return self._sheet_page(request, "export", form)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Show how to import; a POST takes the file and starts its check."""
        self._require_may(request, "change")
        form = self._sheet_form(request, ImportForm)
        if request.method == "POST" and form.is_valid():
            job = self._start_check(request, form.chosen_sheet(), form.chosen_vendor(), form.cleaned_data["file"])
            return after_start(request, job, request.path)
        return self._sheet_page(request, "import", form)

    def example_view(self, request: HttpRequest, sheet: str, format: str) -> HttpResponse:  # noqa: A002 -- of the address
        """Return an example file with the columns and a few rows."""
        self._require_may(request, "change")
        vendor = self._sheet_vendors(request).first()
        if sheet not in self.sheet_names or format not in Format.values or vendor is None:
            raise Http404(f"There is no example {sheet}.{format}.")
        form, kind = Format(format), SHEETS[sheet]
        content = write(form, kind.headings, kind.example(vendor))
        named = content_disposition_header(as_attachment=True, filename=f"example-{sheet}.{form.suffix}")
        return HttpResponse(
            content, content_type=form.content_type, headers={"Content-Disposition": named or "attachment"}
        )

    def start_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Import a file that was checked; pressed twice, it leads to the import that was started."""
        with transaction.atomic():
            check = self._own_check(request, pk, Job.objects.select_for_update(of=("self",), no_key=True))
            job = kinds.import_of(check)
            if job is None:
                facts = {name: check.arguments[name] for name in ("sheet", "model")} | {"check": check.pk}
                job = start_job(
                    kind=kinds.ImportKind, title=f"{check.title.removesuffix(': check')}: import", user=request.user,
                    vendor=check.vendor, now=timezone.now(), arguments=facts,
                )  # fmt: skip
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Check a file again, against the shop as it is now."""
        check = self._own_check(request, pk, Job.objects.all())
        file = check.files.get(direction=JobFile.Direction.IN)
        again = SimpleUploadedFile(file.name, bytes(file.content), file.content_type)
        assert check.vendor is not None  # noqa: S101 -- each check is a vendor's
        job = self._start_check(request, SHEETS[check.arguments["sheet"]], check.vendor, again)
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))

    def _start_check(self, request: HttpRequest, sheet: Sheet, vendor: Vendor, file: Any) -> Job:
        where = {"sheet": sheet.name, "model": f"{self.opts.app_label}_{self.opts.model_name}"}
        return start_job(
            kind=kinds.CheckKind, title=f"{sheet.title} from {(file.name or 'a file')[:120]}: check",
            user=request.user, vendor=vendor, now=timezone.now(), arguments=where, file=file,
        )  # fmt: skip

    def _own_check(self, request: HttpRequest, pk: int, jobs: QuerySet[Job]) -> Job:
        """Return a check of the user's own, of a vendor that is still theirs. Raise Http404, or PermissionDenied."""
        self._require_may(request, "change")
        own = jobs.select_related("vendor").filter(
            kind=kinds.CheckKind.name, user=request.user.pk, vendor__in=self._sheet_vendors(request)
        )
        return get_object_or_404(own, pk=pk, arguments__sheet__in=self.sheet_names)

    def _require_may(self, request: HttpRequest, action: str) -> None:
        """Raise PermissionDenied if the user may not do this to such rows."""
        if not self.may(request, action):  # type: ignore[attr-defined]  # of the admin it is mixed into
            raise PermissionDenied

    def _sheets(self) -> list[Sheet]:
        return [SHEETS[name] for name in self.sheet_names]

    def _sheet_vendors(self, request: HttpRequest) -> QuerySet[Vendor]:
        rows: QuerySet[Vendor] = self.choosable_rows(Vendor, request)  # type: ignore[attr-defined]  # of the admin it is mixed into
        return rows.select_related("marketplace").order_by("name", "pk")

    def _sheet_form[FormType: SheetForm](self, request: HttpRequest, form: type[FormType]) -> FormType:
        """Return the form of a page. Raise Http404 where there is no vendor yet."""
        vendors = self._sheet_vendors(request)
        if not vendors.exists():
            raise Http404("There is no shop yet.")
        posted = (request.POST, request.FILES) if request.method == "POST" else ()
        return form(*posted, sheets=self._sheets(), vendors=vendors)

    def _sheet_page(self, request: HttpRequest, page: str, form: SheetForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{page.capitalize()} {self.opts.verbose_name_plural}",
            "opts": self.opts,
            "form": form,
            "sheets": self._sheets(),
            "back": reverse(f"admin:{self._sheet_url('changelist')}"),
            "examples": f"admin:{self._sheet_url('example')}",
        }
        return TemplateResponse(request, f"admin/sheets/{page}.html", context)

    def _sheet_url(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

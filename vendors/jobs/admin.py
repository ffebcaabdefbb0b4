"""Admin pages of jobs: everyone sees those that they started, with progress, what was refused, and the file made."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from vendors.jobs import services
from vendors.jobs.kinds import KINDS
from vendors.jobs.models import Job, JobFile
from vendors.models import Membership
from vendors.read_only_admin import ReadOnlyAdminMixin
from vendors.scoped_admin import may_see_all, vendor_ids

EVERY_ROLE = frozenset(Membership.Role.values)


@admin.register(Job)
class JobAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Show jobs. A job is of the person who started it, as long as that person works for its vendor."""

    list_display = ["title", "state", "how_far", "refused", "created_at", "finished_at"]
    list_filter = ["state"]
    search_fields = ["title"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Select the user's own jobs, of the vendors at which the user still has a role."""
        rows: QuerySet[Any] = super().get_queryset(request).defer("arguments").select_related("vendor", "user")
        if request.user.is_superuser:
            return rows
        own = rows.filter(user=request.user)
        return own if may_see_all(request) else own.filter(vendor__in=vendor_ids(request, EVERY_ROLE))

    @admin.display(description="rows")
    def how_far(self, job: Job) -> str:
        """Return how many of the rows were looked at."""
        return f"{job.position} of {job.total}"

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of a job's file and of the button that stops it."""
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/file/", view(self.file_view), name="jobs_job_file"),
            path("<int:pk>/stop/", view(require_POST(self.stop_view)), name="jobs_job_stop"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a job."""
        if not (object_id.isascii() and object_id.isdecimal() and len(object_id) <= 18):
            raise Http404(f"{object_id!r} is no job’s number.")
        job = get_object_or_404(self.get_queryset(request), pk=object_id)
        kind = KINDS[job.kind]
        context = {
            **self.admin_site.each_context(request),
            **({} if job.is_open else kind.context(job)),
            "title": job.title,
            "opts": self.opts,
            "job": job,
            "kind": kind,
            "is_own": job.user_id == request.user.pk,
            "reasons": sorted(job.reasons.items(), key=lambda reason: -reason[1]),
            "repeated": any(number > 1 for number in job.reasons.values()),
            "file": job.files.defer("content").filter(direction=JobFile.Direction.OUT).first(),
        }
        return TemplateResponse(request, "admin/jobs/job.html", context)

    def file_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the file that a job made, as a download."""
        job = get_object_or_404(self.get_queryset(request), pk=pk)
        file = get_object_or_404(job.files, direction=JobFile.Direction.OUT)
        named = content_disposition_header(as_attachment=True, filename=file.name)
        headers = {"Content-Disposition": named or "attachment", "Cache-Control": "no-store"}
        return HttpResponse(bytes(file.content), content_type=file.content_type, headers=headers)

    def stop_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stop a job, and lead back to it."""
        job = get_object_or_404(self.get_queryset(request), pk=pk)
        if not services.stop_job(job=job, now=timezone.now()):
            messages.warning(request, "It had ended before.")
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[pk]))


def after_start(request: HttpRequest, job: Job, back: str) -> HttpResponseRedirect:
    """Lead back to a page with the summary of a job that is over, and else to the job's own page."""
    if job.is_open:
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))
    if job.state == Job.State.FINISHED and not job.refused:
        messages.success(request, f"{job.title}. {job.summary}")
        return HttpResponseRedirect(back)
    reasons = "".join(f" {number} × {reason}" for reason, number in job.reasons.items())
    page = reverse("admin:jobs_job_change", args=[job.pk])
    text = format_html('{}. {}{} <a href="{}">See each row</a>', job.title, job.summary, reasons, page)
    messages.warning(request, text)
    return HttpResponseRedirect(back)

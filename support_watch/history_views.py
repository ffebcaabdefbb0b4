"""The history of the desk: a day, found by words, with a chart, and as CSV."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from support_watch import history
from support_watch.desk_views import vendor_or_404
from support_watch.forms import HistoryForm
from support_watch.models import KEPT_FOR
from vendors.http import MallRequest


@never_cache
@login_required
@require_safe
def history_page(request: MallRequest, slug: str) -> HttpResponseBase:
    """Show the visits of a day, a hundred at a time."""
    vendor = vendor_or_404(request, slug)
    now = timezone.now()
    form = HistoryForm(request.GET)
    chosen: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    begin, _ = history.day_of(chosen.get("day"), now)
    words = chosen.get("q", "")
    context = {
        "vendor": vendor,
        "form": form,
        "begin": begin,
        "oldest": now - KEPT_FOR,
        "words": words,
        "day": history.page_of(vendor_id=vendor.pk, begin=begin, now=now, words=words, after=chosen.get("before")),
        "bars": history.chart(vendor_id=vendor.pk, begin=begin, now=now),
    }
    return TemplateResponse(request, "support_watch/history.html", context)


@never_cache
@login_required
@require_safe
def history_csv(request: MallRequest, slug: str) -> HttpResponseBase:
    """Send the visits of a day as CSV."""
    vendor = vendor_or_404(request, slug)
    now = timezone.now()
    form = HistoryForm(request.GET)
    chosen: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    begin, _ = history.day_of(chosen.get("day"), now)
    lines = list(history.as_csv(vendor_id=vendor.pk, begin=begin, now=now, words=chosen.get("q", "")))
    response = StreamingHttpResponse(["\ufeff", *lines], content_type="text/csv; charset=utf-8")
    name = f"visits-{vendor.slug}-{begin:%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response

"""Views of the reviews of a product: all of them, and the form that reports one to the mall's staff."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from sessions_farm.web.clients import client_key
from vendors import card_refresh, links, reviews
from vendors.http import MallRequest
from vendors.models import Product, Review
from vendors.reviews import ReviewError
from vendors.views import get_storefront_or_404, product_of_store


class ReportForm(forms.Form):
    """Take why a review should not stand there."""

    why = forms.CharField(
        label=gettext_lazy("What is wrong with it?"),
        max_length=200,
        help_text=gettext_lazy("The mall’s staff read it; neither the shop nor the writer learns of you."),
        error_messages={"required": gettext_lazy("Say what is wrong with it.")},
    )


def get_product_or_404(request: MallRequest, slug: str) -> Product:
    """Return a product of the request's store, with its card. Raise Http404 if there is none."""
    store = get_storefront_or_404(request)
    card_refresh.refresh(timezone.now())
    found = product_of_store(store.vendor_id, str(slug))
    if not found:
        raise Http404(f"{store.name} has no {slug} now.")
    return found[0]


@require_safe
def reviews_page(request: MallRequest, slug: str) -> HttpResponse:
    """Show a page of the reviews of a product, the newest first."""
    product = get_product_or_404(request, slug)
    page = reviews.page_of(product, request.GET.get("after", ""))
    context = {"product": product, "category": product.category, "reviews": page, "after": request.GET.get("after")}
    return render(request, "vendors/reviews.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def report_page(request: MallRequest, slug: str, review: int) -> HttpResponse:
    """Show a review with a form; a POST reports it."""
    product = get_product_or_404(request, slug)
    found = Review.objects.published().filter(product=product, pk=review).first() if review < 2**63 else None
    if found is None:
        raise Http404("There is no such review.")
    form = ReportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            reviews.report(
                review_id=found.pk, reporter=client_key(request), why=form.cleaned_data["why"], now=timezone.now()
            )
        except ReviewError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, gettext("Thank you: the mall’s staff will read it."))
            store = get_storefront_or_404(request)
            return HttpResponseRedirect(links.storefront_path(store, "product", slug=product.slug), status=303)
    context = {"product": product, "category": product.category, "review": found, "form": form}
    return render(request, "vendors/report_review.html", context, status=422 if form.errors else 200)

"""An owner's page of the desk: watched pages, the line to shoppers, and keys of own programs."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from support_watch import access, keys
from support_watch.desk_views import vendor_or_404
from support_watch.forms import DeskSettingsForm, KeyForm, RevokeForm
from support_watch.models import DeskKey, DeskSettings
from vendors.http import MallRequest
from vendors.models import Vendor


def own_vendor_or_404(request: MallRequest, slug: str) -> Vendor:
    """Return the vendor whose desk the user may set up; raise Http404 for any other."""
    vendor = vendor_or_404(request, slug)
    if not access.may_set_up(request.user, vendor):
        raise Http404("Only an owner sets up the desk.")
    return vendor


@never_cache
@login_required
@require_GET
def settings_page(request: MallRequest, slug: str) -> HttpResponseBase:
    """Show the choices and the keys."""
    return show(request, own_vendor_or_404(request, slug))


def show(
    request: MallRequest,
    vendor: Vendor,
    *,
    form: DeskSettingsForm | None = None,
    key_form: KeyForm | None = None,
    new_key: str = "",
) -> HttpResponseBase:
    """Show the page, with the text of a key that was made just now."""
    chosen = DeskSettings.objects.filter(vendor=vendor).first() or DeskSettings(vendor=vendor)
    context = {
        "vendor": vendor,
        "form": form or DeskSettingsForm(instance=chosen),
        "key_form": key_form or KeyForm(),
        "keys": DeskKey.objects.valid().filter(vendor=vendor).order_by("pk"),
        "new_key": new_key,
    }
    has_errors = any(bound is not None and bound.errors for bound in (form, key_form))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if has_errors else HTTPStatus.OK
    return TemplateResponse(request, "support_watch/settings.html", context, status=status)


@login_required
@require_POST
def save_settings(request: MallRequest, slug: str) -> HttpResponseBase:
    """Keep the choices."""
    vendor = own_vendor_or_404(request, slug)
    chosen = DeskSettings.objects.filter(vendor=vendor).first() or DeskSettings(vendor=vendor)
    form = DeskSettingsForm(request.POST, instance=chosen)
    if not form.is_valid():
        return show(request, vendor, form=form)
    form.save()
    messages.success(request, "Saved. Pages that are opened from now on follow it.")
    return HttpResponseRedirect(reverse("watch:settings", args=[vendor.slug]))


@never_cache
@login_required
@require_POST
def make_key(request: MallRequest, slug: str) -> HttpResponseBase:
    """Make a key and show its text, once."""
    vendor = own_vendor_or_404(request, slug)
    form = KeyForm(request.POST)
    if not form.is_valid():
        return show(request, vendor, key_form=form)
    _, text = keys.make_key(
        vendor_id=vendor.pk,
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        by=str(request.user)[:150],
        now=timezone.now(),
    )
    return show(request, vendor, new_key=text)


@login_required
@require_POST
def revoke_key(request: MallRequest, slug: str) -> HttpResponseBase:
    """Revoke a key."""
    vendor = own_vendor_or_404(request, slug)
    form = RevokeForm(request.POST)
    key_id = form.cleaned_data["key"] if form.is_valid() else 0
    if keys.revoke_key(vendor_id=vendor.pk, key_id=key_id, now=timezone.now()):
        messages.success(request, "That key opens nothing any more; open streams end within seconds.")
    return HttpResponseRedirect(reverse("watch:settings", args=[vendor.slug]))

"""Vendor staff get nothing of another vendor's from any page of the admin: every admin × every URL × every role.

The other vendor is of their own community, or of another one, whose departments bear its mark, too.
"""

import re
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import path, reverse

from cart.orders.models import Consignment
from sessions_farm.communities.tests.support.registry_admin import FormClient
from sessions_farm.models import Session
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.jobs.models import Job
from vendors.models import Category, Membership, Product, Stock, Vendor
from vendors.scoped_admin import VendorScopedAdmin

SCOPED = {model: each for model, each in admin.site._registry.items() if isinstance(each, VendorScopedAdmin)}
PERSONAL = {Job}  # each person's own: tests/integration/jobs
UNSCOPED = [model for model in admin.site._registry if model not in SCOPED and model not in PERSONAL]
MODELS = sorted(SCOPED, key=lambda model: model._meta.label)
ROLES = Membership.Role.values


def label(model):
    return model._meta.label_lower if isinstance(model, type) else model


@pytest.fixture(scope="module")
def vendors(django_db_setup, django_db_blocker):
    """Two vendors of the community and one of another, made once: each test's transaction is within this one."""
    with django_db_blocker.unblock(), transaction.atomic():
        marketplace, other = make_marketplace(), make_marketplace("fair", "fair.localhost")
        Category.objects.create(marketplace=other, slug="things", name="Cobalt things")
        yield make_side("Amber", marketplace), make_side("Basalt", marketplace), make_side("Cobalt", other)
        transaction.set_rollback(True)


@pytest.fixture
def sides(vendors, db):
    return vendors[:2]


@pytest.fixture
def strangers(vendors, db):
    return vendors[1:]


def sign_in(user) -> Client:
    client = FormClient(headers={"host": MASTER})
    client.force_login(user)
    return client


def url(model, page, *args, **query):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    return reverse(name, args=args) + (f"?{urlencode(query)}" if query else "")


def leaks(response: HttpResponse, *marks: str) -> bool:
    return any(mark in response.content.decode() for mark in marks)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("model", MODELS, ids=label)
def test_every_scoped_page_shows_own_rows_only(sides, strangers, model, role, scale):
    """An owner follows each filter; the other roles, who get the same list or none, at ``make prove``."""
    ours, _ = sides
    assert model in ours.rows, f"tests/support/two_vendors.py makes no {model.__name__}: the matrix would not cover it"
    client = sign_in(ours.staff[role])
    may = role in SCOPED[model].vendor_roles

    changelist = client.get(url(model, "changelist"))
    assert changelist.status_code == (200 if may else 403)
    pages = [
        changelist,
        *(
            client.get(url(model, "changelist", q=each.mark[:-1])) for each in strangers
        ),  # the page repeats what was typed
        client.get(url(model, "add")),
        client.get(url(model, "history", ours.rows[model].pk)),
        client.get(url(model, "change", ours.rows[model].pk)),
        client.get(reverse("admin:app_list", args=[model._meta.app_label])),
        client.get(reverse("admin:index")),
        *(client.get(filtered) for filtered in filter_links(changelist, model) if role == "owner" or scale > 1),
    ]
    marks = [each.mark for each in strangers]
    assert [page.request["PATH_INFO"] for page in pages if leaks(page, *marks)] == []
    if may:
        assert leaks(pages[0], ours.mark), "the list is empty, so this proves nothing"


def filter_links(changelist, model):
    return [url(model, "changelist") + found.replace("&amp;", "&") for found in
            set(re.findall(r'href="(\?[^"]+)"', changelist.content.decode()))]  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("model", MODELS, ids=label)
def test_their_row_cannot_be_reached_by_its_id(sides, strangers, model, role):
    client = sign_in(sides[0].staff[role])
    for theirs in strangers:
        row = theirs.rows[model]
        before = values(row)
        for address in pages_of_rows(model, row.pk):
            for response in (client.get(address), client.post(address, {"post": "yes"})):
                assert response.status_code in {302, 403, 404, 405}, (address, response.status_code)
                assert not leaks(response, theirs.mark)
        client.post(url(model, "changelist"), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
        assert values(model.objects.get(pk=row.pk)) == before


def values(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def pages_of_rows(model, pk):
    """Every address below a model's admin that names a row, Django's own pages and ours."""
    found = [str(pattern.pattern) for pattern in SCOPED[model].get_urls() if "<" in str(pattern.pattern)]
    assert len(found) >= 4
    return [url(model, "changelist") + re.sub("<[^>]+>", str(pk), address) for address in found]


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_autocomplete_names_own_rows_only(sides, strangers, model):
    client = sign_in(sides[0].staff["owner"])
    for field in model._meta.fields:
        if field.is_relation:
            query = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field.name}
            assert not leaks(client.get(reverse("admin:autocomplete"), query), *(each.mark for each in strangers))


@pytest.mark.parametrize("model", UNSCOPED, ids=label)
def test_what_is_the_malls_own_is_closed_to_vendor_staff(sides, model):
    client = sign_in(sides[0].staff["owner"])
    assert client.get(url(model, "changelist")).status_code == 403
    if model is not Session:  # whose page lists and ends, and has no form
        assert client.get(url(model, "add")).status_code == 403


def product_form(product, **changes):
    empty = {f"{prefix}-{name}_FORMS": 0 for prefix in ("variants", "images") for name in ("TOTAL", "INITIAL")}
    form = {
        "name": product.name, "slug": product.slug, "category": product.category_id, "_draft": "Save as a draft",
        "summary": "", "description": "",
    }  # fmt: skip
    return form | empty | changes


def test_a_post_with_their_vendor_id_moves_nothing(sides):
    ours, theirs = sides
    product = ours.rows[Product]
    client = sign_in(ours.staff["owner"])

    changed = client.post(url(Product, "change", product.pk), product_form(product, vendor=theirs.vendor.pk))
    added = client.post(url(Product, "add"), product_form(product, slug="new", vendor=theirs.vendor.pk))

    assert (changed.status_code, added.status_code) == (302, 302)
    assert Product.objects.get(pk=product.pk).vendor == ours.vendor
    assert Product.objects.get(slug="new").vendor == ours.vendor
    assert Product.objects.for_vendor(theirs.vendor).count() == 1


def test_a_slug_that_is_taken_is_told_beside_the_form(sides):
    ours, _ = sides
    response = sign_in(ours.staff["owner"]).post(url(Product, "add"), product_form(ours.rows[Product]))
    assert response.status_code == 200
    assert "vendors_product_slug_once" not in response.content.decode()
    assert "This shop has a product at this address already." in response.content.decode()


def test_a_list_edit_with_their_row_changes_nothing(sides):
    ours, theirs = sides
    form = {
        "form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-variant": theirs.rows[Stock].pk, "form-0-seen": 1,
        "form-0-kind": "count", "form-0-pieces": 99, "form-0-low_below": 1, "_save": "Save",
    }  # fmt: skip
    sign_in(ours.staff["owner"]).post(url(Stock, "changelist"), form)
    assert Stock.objects.get(pk=theirs.rows[Stock].pk).on_hand == 5


def test_someone_of_two_vendors_cannot_pass_a_third_ones_id(sides):
    ours, theirs = sides
    third = make_side("Dune", ours.vendor.marketplace)
    user = ours.staff["owner"]
    Membership.objects.create(user=user, vendor=theirs.vendor, role="owner")
    client = sign_in(user)

    page = client.get(url(Product, "add"))
    refused = client.post(url(Product, "add"), product_form(ours.rows[Product], slug="x", vendor=third.vendor.pk))

    assert leaks(page, theirs.mark)
    assert not leaks(page, third.mark)
    assert refused.status_code == 200  # the form again, with an error
    assert not Product.objects.filter(slug="x").exists()


def test_no_admin_url_leads_to_an_orders_signed_page(sides):
    order = sides[1].rows[Consignment].order
    client = sign_in(sides[0].staff["owner"])
    response = client.get(f"/admin/r/{contenttype_of(order)}/{order.pk}/")
    assert response.status_code == 404


def contenttype_of(row):
    return ContentType.objects.get_for_model(row).pk


def test_an_owner_changes_the_look_but_not_the_standing(sides):
    vendor = sides[0].vendor
    page = sign_in(sides[0].staff["owner"]).get(url(Vendor, "change", vendor.pk)).content.decode()
    assert 'name="accent"' in page
    assert 'name="status"' not in page


class OnlyQuerysetScoped(admin.ModelAdmin):
    """The usual advice, as a control: it scopes the list and nothing else."""

    list_filter = ["vendor"]

    def get_queryset(self, request):
        return super().get_queryset(request).filter(vendor__memberships__user=request.user)

    def has_module_permission(self, request):
        return True

    has_view_permission = has_add_permission = has_change_permission = lambda self, request, obj=None: True


control_site = admin.AdminSite(name="control")
control_site.register(Product, OnlyQuerysetScoped)
urlpatterns = [path("control/", control_site.urls)]


@pytest.mark.urls("tests.integration.mall.test_admin_isolation")
def test_control_scoping_the_queryset_alone_leaks(sides):
    ours, theirs = sides
    client = sign_in(ours.staff["owner"])
    product = ours.rows[Product]

    add = client.get("/control/vendors/product/add/")
    moved = product_form(product, slug="moved", vendor=theirs.vendor.pk, status="draft")
    client.post(f"/control/vendors/product/{product.pk}/change/", moved)

    assert leaks(add, theirs.mark)
    assert Product.objects.get(pk=product.pk).vendor == theirs.vendor

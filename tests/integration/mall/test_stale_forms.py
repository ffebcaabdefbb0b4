"""No form of the admin overwrites what its page did not show: every admin with a form, and the inlines below."""

import html

import pytest
from django.contrib import admin
from django.db import models
from django.http import QueryDict
from django.test import Client, RequestFactory
from django.urls import path, reverse

from mall.accounts.models import User
from mall.admin_site.seen import SEEN, SeenFieldsetsMixin
from tests.support.html import form_data
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.models import Category, Marketplace, Product, Storefront, Synonym, Variant, VendorDomain

TEXTS = (models.CharField, models.TextField, models.PositiveSmallIntegerField, models.PositiveIntegerField)


@pytest.fixture
def rows(db):
    """One row of each model that has a form."""
    marketplace = make_marketplace()
    side = make_side("Amber", marketplace)
    community = marketplace.community
    domain = community.domains.create(host="shop.example", status="active")
    rows = side.rows | {
        Marketplace: marketplace,
        Category: Category.objects.get(),
        Storefront: Storefront.objects.get(),
        VendorDomain: VendorDomain.objects.create(domain=domain, vendor=side.vendor),
        User: side.staff["support"],
        type(community): community,
        type(domain): domain,
        Synonym: marketplace.synonyms.create(words="jumper, sweater"),
    }
    return rows | {type(row): row for row in (side.vendor,)}


@pytest.fixture
def boss(db):
    client = Client(headers={"host": MASTER})
    client.force_login(User.objects.create_superuser("boss@example.org"))
    return client


def guarded_models():
    return [model for model, each in admin.site._registry.items() if isinstance(each, SeenFieldsetsMixin)]


def editable(model, rows, request):
    """The admins with a form that writes something; the others only show."""
    options = admin.site._registry[model]
    return options.has_change_permission(request, rows.get(model))


def test_every_admin_with_a_form_is_guarded(rows, boss):
    request = RequestFactory().get("/")
    request.user = User.objects.get(email="boss@example.org")
    unguarded = set(admin.site._registry) - set(guarded_models())
    assert {model.__name__ for model in unguarded} == {"Stock"}  # its entries name the version that was seen
    lists = {model.__name__ for model, each in admin.site._registry.items() if each.list_editable}
    assert lists == {"Stock"}
    ours = {model for model in guarded_models() if editable(model, rows, request)}
    known = set(rows) | {admin.site._registry[model].model for model in ours if model._meta.app_label in LIBRARIES}
    assert ours <= known, "make a row of it, so that its form is tried"


LIBRARIES = {"auth", "account", "sessions_farm"}
TRIED = [
    "vendors.Product", "vendors.Variant", "vendors.Vendor", "vendors.Category", "vendors.Marketplace", "accounts.User",
    "communities.Community", "shipping.Department", "shipping.Route",
]  # fmt: skip


@pytest.mark.parametrize("label", TRIED)
def test_stale_form_is_refused_with_the_text_kept_and_saved_when_it_was_seen(rows, boss, label):
    model = next(each for each in guarded_models() if each._meta.label == label)
    row = rows[model]
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
    page = boss.get(url)
    form = page.context["adminform"].form
    texts = {each.name for each in model._meta.concrete_fields if isinstance(each, TEXTS) and not each.choices} - {
        "currency"
    }
    field = next(bound.name for bound in form if bound.name in texts)
    theirs = type(getattr(row, field))("77")
    model._base_manager.filter(pk=row.pk).update(**{field: theirs})
    mine = form_data(page) | {field: "78"}
    refused = boss.post(url, mine)

    assert refused.status_code == 200
    assert "changed while this page was open" in refused.content.decode()
    assert getattr(model._base_manager.get(pk=row.pk), field) == theirs
    again = form_data(refused)
    assert str(again[field]) == "78"
    assert boss.post(url, again).status_code == 302, "the page showed what is there now"
    assert str(getattr(model._base_manager.get(pk=row.pk), field)) == "78"


def test_stale_row_of_an_inline_is_refused(rows, boss):
    product, variant = rows[Product], rows[Variant]
    url = reverse("admin:vendors_product_change", args=[product.pk])
    page = boss.get(url)
    Variant.objects.update(price=4321)
    refused = boss.post(url, form_data(page) | {"variants-0-position": "5"})

    assert "was €10.00, and is €43.21 now" in html.unescape(refused.content.decode())
    variant.refresh_from_db()
    assert (variant.price, variant.position) == (4321, 0)


def test_what_the_form_does_not_show_is_left_as_it_is(rows, boss):
    """A column that is not on the page is written with the row: it must be the one of now."""
    product = rows[Product]
    url = reverse("admin:vendors_product_change", args=[product.pk])
    data = form_data(boss.get(url)) | {"name": "Renamed"}
    Product.objects.update(created_at="2020-01-01T00:00Z")
    assert boss.post(url, data).status_code == 302
    product.refresh_from_db()
    assert (product.name, product.created_at.year) == ("Renamed", 2020)


def test_row_that_was_deleted_meanwhile_is_told(rows, boss):
    category = Category.objects.create(marketplace=rows[Marketplace], slug="brief", name="Brief")
    url = reverse("admin:vendors_category_change", args=[category.pk])
    data = form_data(boss.get(url))
    category.delete()
    answer = boss.post(url, data, follow=True)
    assert answer.status_code == 200
    assert "Perhaps it was deleted" in answer.content.decode()


plain = admin.AdminSite(name="plain")
plain.register(Category)
urlpatterns = [path("plain/", plain.urls)]


@pytest.mark.urls(__name__)
def test_control_plain_admin_overwrites_what_it_did_not_show(rows, boss):
    category = Category.objects.get()
    url = f"/plain/vendors/category/{category.pk}/change/"
    data = form_data(boss.get(url)) | {"position": 3}
    Category.objects.update(name="Theirs")
    assert boss.post(url, data).status_code == 302
    assert Category.objects.get().name != "Theirs"


def test_forged_word_of_what_was_seen_saves_nothing(rows, boss):
    category = Category.objects.get()
    url = reverse("admin:vendors_category_change", args=[category.pk])
    data = QueryDict(mutable=True)
    data.update(form_data(boss.get(url)) | {"name": "Mine", SEEN: "forged"})
    assert "does not say what it showed" in boss.post(url, data).content.decode()
    assert Category.objects.get().name == category.name

"""No crafted address or form of the admin fails, or is answered by a bare 400: every registered admin."""

import itertools
import logging

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from mall.accounts.models import User
from tests.support.html import form_data
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.models import Product, Stock, Variant, Vendor

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
VALUES = ["", "x", "-1", "9" * 30, "1,2,x", "[]", "x" * 3000, "1e400", "\ufffe"]
IDS = ["0", "9" * 30, "-1", "x", "_00", "a_00b", "x" * 3000, "1e9", "_zz", "1/2"]


@pytest.fixture(autouse=True)
def no_log(caplog):
    caplog.set_level(logging.CRITICAL)


@pytest.fixture
def side(db):
    return make_side("Amber", make_marketplace())


def signed_in(user) -> Client:
    client = Client(headers={"host": MASTER}, raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def boss(side):
    return signed_in(User.objects.create_superuser("boss@example.org"))


@pytest.fixture
def owner(side):
    return signed_in(side.staff["owner"])


EVERY_DAY = {Product, Variant, Stock}  # the others at `make prove`
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label_lower)


def is_tried(model, scale) -> bool:
    return scale > 1 or model in EVERY_DAY


def page(model, name, *args) -> str:
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)
    except NoReverseMatch:  # a model that is only listed has no form
        return ""


def is_bad(response) -> bool:
    """Whether an answer is a failure, or a refusal without words."""
    return response.status_code >= 500 or (response.status_code == 400 and "<h1>" not in response.content.decode())


def filters_of(model) -> list[str]:
    names = [each if isinstance(each, str) else each[0] for each in admin.site._registry[model].list_filter
             if isinstance(each, str | tuple)]  # fmt: skip
    return [f"{name}{lookup}" for name in names for lookup in ("", "__exact", "__id__exact", "__isnull", "__gte")]


def lists_of(model):
    names = ["p", "o", "q", "e", "all", "pk", "id", "id__exact", "pk__in", "nosuch", "nosuch__x", "_to_field", "_popup",
             "_changelist_filters", "_facets", *filters_of(model)]  # fmt: skip
    dates = [{f"{admin.site._registry[model].date_hierarchy}__year": value} for value in ("0", "99999", "x")]
    crafted = [{name: value} for name, value in zip(names, itertools.cycle(VALUES), strict=False)]
    return [*crafted, {"_to_field": "password", "_popup": "1"}, {"_to_field": "id", "_popup": "1"}, *dates]


@every_model
def test_crafted_address_of_a_list_is_answered(boss, model, scale):
    if not is_tried(model, scale):
        pytest.skip("This model is for make prove.")
    url = page(model, "changelist")
    assert [str(query)[:80] for query in lists_of(model) if is_bad(boss.get(url, query))] == []


@every_model
def test_crafted_address_of_a_row_is_answered(boss, model, scale):
    if not is_tried(model, scale):
        pytest.skip("This model is for make prove.")
    names = ("change", "delete", "history")
    urls = [url for pk in IDS for name in names if (url := page(model, name, "PK").replace("PK", pk))]
    queries = [{"_to_field": value, "_popup": "1"} for value in ("id", "password", "nosuch", "variants", "x" * 300)]
    found = [url[:80] for url in urls if is_bad(boss.get(url))]
    found += [url[:80] for url in urls[::3] if is_bad(boss.post(url, {"post": "yes"}))]
    found += [str(query) for query in queries if (url := page(model, "add")) and is_bad(boss.get(url, query))]
    row = model._base_manager.first()
    crafted = [*queries, {"_changelist_filters": "x" * 300}, {"_changelist_filters": "p=%00"}]
    for query in crafted if row is not None else ():
        found += [str(query) for name in names if (url := page(model, name, row.pk)) and is_bad(boss.get(url, query))]
    assert found == []


@every_model
def test_crafted_action_is_answered(boss, model, scale):
    if not is_tried(model, scale):
        pytest.skip("This model is for make prove.")
    url = page(model, "changelist")
    actions = ["", "nosuch", "delete_selected", *(getattr(each, "__name__", each) for each in
               admin.site._registry[model].actions)]  # fmt: skip
    selections = [("x", "0", "0"), ("9" * 30, "x", "x"), ("la\0mp", "0", "0")]
    forms = [{"action": action, "_selected_action": pk, "index": index, "select_across": across}
             for action in actions for pk, index, across in selections]  # fmt: skip
    assert [str(form)[:90] for form in forms if is_bad(boss.post(url, form))] == []


def test_crafted_autocomplete_is_answered(boss, owner):
    """A reverse relation, an attribute that is no field, a field that is no relation: each is refused, none fails."""
    url = reverse("admin:autocomplete")
    fields = [(model._meta.app_label, model._meta.model_name, field.name)
              for model in (Product, Variant, Stock, Vendor, User) for field in model._meta.get_fields()]  # fmt: skip
    fields += [("vendors", "product", name) for name in ("pk", "nosuch", "", "vendor__name", "x" * 300)]
    fields += [("nosuch", "x", "y"), ("vendors", "nosuch", "y"), ("", "", "")]
    faults = []
    for app_label, model_name, field_name in fields:
        query = {"app_label": app_label, "model_name": model_name, "field_name": field_name, "term": "a"}
        faults += [query] if is_bad(boss.get(url, query)) else []
    for more in ({}, {"page": "x"}, {"page": "9" * 30}, {"page": "-1"}, {"term": "\0"}):
        query = {"app_label": "vendors", "model_name": "variant", "field_name": "product", **more}
        faults += [(query, owner)] if is_bad(owner.get(url, query)) else []
    assert faults == []
    assert apps.get_model("vendors", "product")._meta.get_field("variants").one_to_many, "one of them is a reverse one"


def test_form_with_more_fields_than_are_taken_says_so(owner, side, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 50
    url = page(Product, "change", side.rows[Product].pk)
    answer = owner.post(url, {f"field-{number}": "x" for number in range(60)})
    assert answer.status_code == 400
    assert "It sent more fields at once than the mall takes. Save fewer at once." in answer.content.decode()


def test_nul_in_an_address_is_refused_in_words(owner):
    answer = owner.get(page(Product, "changelist") + "?q=la%00mp")
    assert (answer.status_code, "NUL character" in answer.content.decode()) == (400, True)


def test_row_that_was_deleted_while_the_list_was_edited_loses_nothing_of_the_others(owner, side):
    lamp = side.rows[Variant]
    vase = Variant.objects.create(product=lamp.product, name="Vase", sku="vase", price=900)
    url = page(Stock, "changelist")
    form = form_data(owner.get(url))
    rows = {form[name]: name.removesuffix("variant") for name in form if name.endswith("-variant")}
    typed = form | {"_save": "Save"}
    for variant in (lamp, vase):
        typed |= {f"{rows[str(variant.pk)]}kind": "delivery", f"{rows[str(variant.pk)]}pieces": "3"}
    vase.delete()
    answer = owner.post(url, typed, follow=True)
    assert not is_bad(answer)
    assert Stock.objects.get(pk=lamp.pk).on_hand == 8
    assert "no longer there" in answer.content.decode()


CRAFTED_LISTS = [
    {}, {"form-TOTAL_FORMS": "x"}, {"form-TOTAL_FORMS": "9" * 30}, {"form-INITIAL_FORMS": "-1"},
    {"form-0-variant": "x"}, {"form-0-variant": "9" * 30}, {"form-0-variant": ""}, {"form-0-seen": "9" * 30},
    {"form-0-pieces": "9" * 30, "form-0-kind": "count"}, {"form-0-low_below": "9" * 30}, {"form-0-why": "la\0mp"},
]  # fmt: skip


@pytest.mark.parametrize("changes", CRAFTED_LISTS, ids=str)
def test_crafted_list_of_stock_is_answered(owner, side, changes):
    url = page(Stock, "changelist")
    form = form_data(owner.get(url)) | changes if changes else {}
    assert not is_bad(owner.post(url, form | {"_save": "Save"}))
    assert Stock.objects.get().on_hand == 5


def test_control_a_failure_is_seen(boss, monkeypatch):
    monkeypatch.setattr("vendors.product_admin.ProductAdmin.on_hand", lambda *_: 1 / 0)
    assert is_bad(boss.get(page(Product, "changelist")))

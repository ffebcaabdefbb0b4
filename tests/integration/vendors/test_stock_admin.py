"""People enter stock in the admin against the pieces that they saw, and goods in use are withdrawn."""

import re
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.support.shop import later
from vendors import stock
from vendors.models import Product, Review, Stock, StockHold, StockMovement, Variant

LIST = reverse("admin:vendors_stock_changelist")


@pytest.fixture
def lamp(side):
    return Variant.objects.get()


@pytest.fixture
def vase(lamp):
    return Variant.objects.create(product=lamp.product, name="Vase", sku="vase", price=900)


def form_of(client, url) -> dict[str, str]:
    """The fields of the page's form, as a browser would send them back unchanged."""
    page = client.get(url).content.decode()
    inputs = [dict(re.findall(r'(name|value|type)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", page)]
    sent = {each["name"]: each.get("value", "") for each in inputs if each.get("type") not in {"checkbox", "submit"}
            and each.get("name")}  # fmt: skip
    selects = re.findall(r'<select[^>]*name="([^"]*)".*?</select>', page, re.DOTALL)
    return sent | dict.fromkeys(selects, "") | {"_save": "Save"}


def row_of(form, variant) -> str:
    return next(re.sub("variant$", "", name) for name, value in form.items()
                if re.fullmatch(r"form-\d+-variant", name) and value == str(variant.pk))  # fmt: skip


def typed(form, variant, kind="", pieces="", why="", **others):
    row = row_of(form, variant)
    entry = {"kind": kind, "pieces": pieces, "why": why} | others
    return form | {f"{row}{name}": value for name, value in entry.items()}


def sell(variant, pieces):
    reference = uuid.uuid4()
    stock.hold(reference, {variant.pk: pieces}, later(minutes=5), timezone.now())
    stock.take(reference, timezone.now())


def on_hand(variant) -> int:
    return Stock.objects.get(pk=variant.pk).on_hand


def test_row_saved_beside_a_sale_changes_that_row_alone(clerk, lamp, vase):
    seen = form_of(clerk, LIST)
    sell(lamp, 3)
    assert clerk.post(LIST, typed(seen, vase, "delivery", "+5")).status_code == 302
    assert (on_hand(lamp), on_hand(vase)) == (2, 5)


def test_stale_row_is_refused_with_what_changed_and_the_others_are_saved(clerk, lamp, vase):
    seen = form_of(clerk, LIST)
    sell(lamp, 3)
    answer = clerk.post(LIST, typed(typed(seen, vase, "delivery", "5"), lamp, "count", "5", "Shelf"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "5 were on hand, now 2 (sale -3)" in page
    assert "Vase: saved, 5 on hand" in page
    assert (on_hand(lamp), on_hand(vase)) == (2, 5)
    assert 'value="Shelf"' in page  # what was typed is kept

    again = form_of_page(page)
    assert clerk.post(LIST, typed(again, lamp, "count", "4")).status_code == 302
    assert (on_hand(lamp), on_hand(vase)) == (4, 5)


def form_of_page(page):
    class Kept:
        def get(self, _url):
            return type("Answer", (), {"content": page.encode()})

    return form_of(Kept(), "")


def test_entry_has_its_person_and_reason(clerk, side, lamp):
    clerk.post(LIST, typed(form_of(clerk, LIST), lamp, "correction", "-1", "Broken in the window"))
    movement = StockMovement.objects.get(kind="correction")
    assert (movement.quantity, movement.why, movement.user) == (-1, "Broken in the window", side.staff["catalogue"])


@pytest.mark.parametrize(
    ("kind", "pieces", "why", "words"),
    [("", "5", "", "Say what it is"), ("delivery", "", "", "Say how many"), ("correction", "-1", "", "Say why"),
     ("correction", "-6", "Lost", "fewer than none"), ("count", "-1", "", "fewer than none"),
     ("sale", "-1", "Sold", "Select a valid choice")],
)  # fmt: skip
def test_entry_that_cannot_be_is_told_beside_its_row(clerk, lamp, kind, pieces, why, words):
    answer = clerk.post(LIST, typed(form_of(clerk, LIST), lamp, kind, pieces, why))
    assert words in answer.content.decode()
    assert on_hand(lamp) == 5


def test_threshold_is_seen_too(clerk, lamp):
    seen = form_of(clerk, LIST)
    Stock.objects.filter(pk=lamp.pk).update(low_below=9)
    answer = clerk.post(LIST, typed(seen, lamp, low_below="4"))
    assert "was 3 when you looked and is 9 now" in answer.content.decode()
    assert Stock.objects.get(pk=lamp.pk).low_below == 9
    assert clerk.post(LIST, typed(form_of(clerk, LIST), lamp, low_below="4")).status_code == 302
    assert Stock.objects.get(pk=lamp.pk).low_below == 4


def test_single_form_refuses_what_is_stale_and_tells_the_history(clerk, lamp):
    url = reverse("admin:vendors_stock_change", args=[lamp.pk])
    seen = form_of(clerk, url)
    sell(lamp, 3)
    refused = clerk.post(url, seen | {"kind": "count", "pieces": "5"})
    assert "5 were on hand, now 2 (sale -3)" in refused.content.decode()
    assert on_hand(lamp) == 2

    assert clerk.post(url, form_of(clerk, url) | {"kind": "count", "pieces": "4", "why": "Sunday"}).status_code == 302
    assert on_hand(lamp) == 4
    page = clerk.get(url).content.decode()
    assert "Sunday" in page
    assert "the shop" in page
    movements = clerk.get(reverse("admin:vendors_stockmovement_changelist", query={"stock": lamp.pk})).content.decode()
    assert "Sunday" in movements


def test_new_variant_can_be_stocked_at_once(clerk, side, lamp):
    product = lamp.product
    form = form_of(clerk, reverse("admin:vendors_product_change", args=[product.pk])) | {
        "category": product.category_id, "variants-TOTAL_FORMS": 2, "variants-1-name": "Large",
        "variants-1-sku": "large", "variants-1-price": 1500, "variants-1-position": 1,
    }  # fmt: skip
    assert clerk.post(reverse("admin:vendors_product_change", args=[product.pk]), form).status_code == 302
    large = Variant.objects.get(sku="large")
    assert clerk.post(LIST, typed(form_of(clerk, LIST), large, "delivery", "7")).status_code == 302
    assert stock.available([large.pk], timezone.now()) == {large.pk: 7}


@pytest.fixture
def held(lamp):
    stock.hold(uuid.uuid4(), {lamp.pk: 1}, later(minutes=5), timezone.now())
    return lamp


def delete_one(client, product):
    return client.post(reverse("admin:vendors_product_delete", args=[product.pk]), {"post": "yes"}, follow=True)


def delete_selected(client, product):
    form = {"action": "delete_selected", "_selected_action": product.pk, "post": "yes"}
    return client.post(reverse("admin:vendors_product_changelist"), form, follow=True)


def delete_inline(client, product):
    url = reverse("admin:vendors_product_change", args=[product.pk])
    form = form_of(client, url) | {"category": product.category_id, "_draft": "", "variants-0-DELETE": "on"}
    return client.post(url, form, follow=True)


@pytest.mark.parametrize("delete", [delete_one, delete_selected, delete_inline])
def test_goods_in_use_are_not_deleted_and_the_page_says_to_withdraw_them(clerk, held, delete):
    assert "Withdraw it instead" in delete(clerk, held.product).content.decode()
    assert Variant.objects.filter(pk=held.pk).exists()


@pytest.mark.parametrize("delete", [delete_one, delete_selected, delete_inline])
def test_goods_that_nothing_needs_are_deleted(clerk, lamp, delete):
    Review.objects.all().delete()  # who reviews has ordered, and goods of orders stay
    delete(clerk, lamp.product)
    assert not Variant.objects.exists()
    assert not StockMovement.objects.exists()
    assert Product.objects.exists() is (delete is delete_inline)


def test_movements_and_stock_are_not_deleted_in_the_admin(clerk, lamp):
    for row in (StockMovement.objects.get(), lamp.stock):
        page = reverse(f"admin:vendors_{row._meta.model_name}_delete", args=[row.pk])
        assert clerk.post(page, {"post": "yes"}).status_code == 403
    assert not StockHold.objects.exists()

"""The pages beside a product's form: its copy, its preview, publishing and withdrawing, and its former addresses."""

import html
import time
from io import BytesIO

import pytest
from auditlog.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from sessions_farm.communities.models import Community
from sessions_farm.communities.registry import registry
from sessions_farm.tests.support.scale import counted
from tests.integration.vendors.test_list_speed import stock_shop
from tests.support.html import form_data, words_of
from tests.support.two_vendors import MASTER, make_marketplace, make_side, make_staff
from vendors.jobs import running
from vendors.jobs.models import Job
from vendors.models import Category, Marketplace, Membership, Product, ProductImage, Variant, Vendor

LIST = reverse("admin:vendors_product_changelist")


@pytest.fixture
def side(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    made = make_side("Amber", make_marketplace())
    registry.refresh()
    yield made
    registry.forget()


@pytest.fixture
def clerk(side):
    return signed_in(side.staff["catalogue"])


def signed_in(user):
    client = Client(headers={"host": MASTER})
    client.force_login(user)
    return client


def page(name, row):
    return reverse(f"admin:vendors_product_{name}", args=[row.pk])


def words(response) -> str:
    return html.unescape(response.content.decode())


def picture() -> SimpleUploadedFile:
    target = BytesIO()
    Image.new("RGB", (60, 60), "#7a3b1f").save(target, "PNG")
    return SimpleUploadedFile("photo.png", target.getvalue(), "image/png")


def save(client, row, **changes):
    return client.post(page("change", row), form_data(client.get(page("change", row))) | changes, follow=True)


def test_copy_is_a_draft_with_the_words_pictures_and_variants_without_stock(clerk, side):
    lamp = side.rows[Product]
    Product.objects.update(options=[{"name": "Size", "values": ["S"]}], description="Warm.")
    Variant.objects.update(option_values={"Size": "S"}, sale_price=900)
    ProductImage.objects.create(product=lamp, file="products/lamp.webp", alt="A lamp", width=1200, height=1200)
    answer = clerk.post(page("duplicate", lamp), follow=True)
    copy = Product.objects.exclude(pk=lamp.pk).get()
    assert "This is a copy of Amber lamp" in words(answer)
    assert (copy.status, copy.name, copy.slug, copy.description) == ("draft", "Amber lamp (copy)", "lamp-2", "Warm.")
    variant = copy.variants.get()
    assert (variant.sku, variant.price, variant.sale_price, variant.stock.on_hand) == ("Amber-1-2", 1000, None, 0)
    assert variant.option_values == {"Size": "S"}
    assert copy.images.get().alt == "A lamp"
    clerk.post(page("duplicate", lamp))
    assert Product.objects.filter(slug="lamp-3", variants__sku="Amber-1-3").exists()


def test_copy_and_preview_of_another_vendors_product_are_refused(clerk, side):
    theirs = make_side("Basalt", side.vendor.marketplace).rows[Product]
    for answer in (clerk.post(page("duplicate", theirs), follow=True), clerk.get(page("preview", theirs), follow=True)):
        assert "no such product among yours" in words(answer)
        assert "Basalt" not in words(answer)
    assert Product.objects.count() == 2
    assert clerk.get(page("duplicate", side.rows[Product])).status_code == 405


@pytest.mark.parametrize("status", ["draft", "published", "withdrawn"])
def test_preview_shows_staff_alone_what_is_not_published(clerk, side, status):
    lamp = side.rows[Product]
    Product.objects.update(status=status)
    shown = words(clerk.get(page("preview", lamp)))
    assert "Preview for the people of Amber & Co" in shown
    assert ("so no shopper sees it" in shown) is (status != "published")
    assert "€10.00" in shown
    assert Client(headers={"host": MASTER}).get(page("preview", lamp)).status_code == 302  # to the sign-in
    public = signed_in(side.staff["catalogue"]).get(f"/stores/amber/products/{lamp.slug}/")
    assert public.status_code == (200 if status == "published" else 404)
    assert "Preview for" not in words(public)


def test_preview_is_there_before_the_store_is_open(clerk, side):
    Vendor.objects.update(status="draft")
    registry.forget()
    assert "Preview for the people of" in words(clerk.get(page("preview", side.rows[Product])))


def test_buttons_publish_withdraw_and_make_a_draft(clerk, side):
    lamp = side.rows[Product]
    for button, status, said in (
        ("_withdraw", "withdrawn", "is withdrawn"),
        ("_draft", "draft", "is a draft"),
        ("_publish", "published", "See it"),
    ):
        assert said in words(save(clerk, lamp, **{button: "x"}))
        lamp.refresh_from_db()
        assert lamp.status == status


def test_published_without_stock_is_warned_of(clerk, side):
    lamp = side.rows[Product]
    Variant.objects.update(withdrawn=True)
    Variant.objects.create(product=lamp, sku="new", price=500)
    assert "is shown as sold out, for there are none on hand" in words(save(clerk, lamp, _publish=""))


def act(client, shown, action, *products):
    """Choose an action for products in an open list; all that it showed, where none is named."""
    chosen = {"_selected_action": [each.pk for each in products]} if products else {"select_across": "1"}
    form = {"action": action, "shown": shown["shown"], "_selected_action": [0]} | chosen
    return client.post(LIST, form, follow=True)


def test_selected_products_are_published_where_they_have_something_to_sell(clerk, side):
    Product.objects.update(status="draft")
    lamp = side.rows[Product]
    empty = Product.objects.create(vendor=side.vendor, category=Category.objects.get(), name="Empty", slug="empty")
    answer = words(act(clerk, form_data(clerk.get(LIST)), "publish_products", lamp, empty))
    assert "1 of 2 done, 1 left as they are. 1 × It has no variant on sale." in answer
    assert dict(Product.objects.values_list("slug", "status")) == {"lamp": "published", "empty": "draft"}
    assert LogEntry.objects.get_for_object(lamp).first().changes["status"] == ["draft", "published"]
    assert LogEntry.objects.get_for_object(lamp).first().actor == side.staff["catalogue"]


def test_all_products_are_those_that_the_list_showed_as_it_showed_them(clerk, side):
    lamp, vase = side.rows[Product], products(side, "Vase")
    shown = form_data(clerk.get(LIST))
    late = products(side, "Late")
    Product.objects.filter(pk=vase.pk).update(status="draft")
    answer = words(act(clerk, shown, "withdraw_products"))
    assert "1 × It was published, and is draft by now." in answer
    found = dict(Product.objects.values_list("pk", "status"))
    assert found == {lamp.pk: "withdrawn", vase.pk: "draft", late.pk: "published"}


def products(side, name):
    made = Product.objects.create(
        vendor=side.vendor, category=Category.objects.get(), name=name, slug=name.lower(), status="published"
    )
    Variant.objects.create(product=made, sku=name, price=100)
    return made


def test_thousands_of_products_are_withdrawn_by_a_job(clerk, side, scale):
    """At SCALE=10, 10,000 within a minute, the page free within five seconds: each was two statements of a request."""
    stock_shop(side, counted(10_000, scale) - 1)
    shown, began = form_data(clerk.get(LIST)), time.monotonic()
    act(clerk, shown, "withdraw_products")
    free, job = time.monotonic() - began, Job.objects.get()
    running.run_due_jobs()
    took = time.monotonic() - began
    job.refresh_from_db()
    assert (job.state, job.position) == (Job.State.FINISHED, counted(10_000, scale))
    if scale >= 10:
        assert (free < 5, took < 60) == (True, True), f"page {free:.2f} s, job {took:.1f} s"
    assert set(Product.objects.values_list("status", flat=True)) == {"withdrawn"}


def test_button_without_the_variants_on_the_page_publishes_nothing_that_cannot_be_sold(clerk, side):
    empty = Product.objects.create(vendor=side.vendor, category=Category.objects.get(), name="Empty", slug="empty")
    form = {name: value for name, value in form_data(clerk.get(page("change", empty))).items()
            if not name.startswith("variants-")}  # fmt: skip
    answer = clerk.post(page("change", empty), form | {"_publish": "x"})
    assert "needs a variant that is not withdrawn" in words(answer)
    assert Product.objects.get(slug="empty").status == "draft"


def shop(client, slug):
    return client.get(f"/stores/amber/products/{slug}/")


def test_former_address_leads_on_and_another_product_takes_it_over(clerk, side):
    lamp = side.rows[Product]
    save(clerk, lamp, slug="lantern")
    Product.objects.filter(pk=lamp.pk).update(slug="light")  # by any way of writing
    for old in ("lamp", "lantern"):
        answer = shop(clerk, old)
        assert (answer.status_code, answer["Location"]) == (301, "/stores/amber/products/light/")
    other = Product.objects.create(
        vendor=side.vendor, category=Category.objects.get(), name="Lamp", slug="lamp", status="published"
    )
    Variant.objects.create(product=other, sku="other", price=500)
    assert shop(clerk, "lamp").status_code == 200
    assert shop(clerk, "lantern").status_code == 301
    Product.objects.filter(pk=lamp.pk).update(status="withdrawn")
    assert shop(clerk, "lantern").status_code == 404


def test_former_address_is_the_vendors_own(clerk, side):
    other = make_side("Basalt", side.vendor.marketplace)
    Product.objects.filter(pk=other.rows[Product].pk).update(slug="vase")
    registry.refresh()
    assert shop(clerk, "lamp").status_code == 200
    Product.objects.filter(pk=side.rows[Product].pk).update(slug="lantern")
    assert shop(clerk, "lamp")["Location"] == "/stores/amber/products/lantern/"


def test_several_pictures_are_saved_at_once_each_with_its_words(clerk, side):
    lamp = side.rows[Product]
    pictures = {f"images-{number}-file": picture() for number in range(3)}
    refused = words(save(clerk, lamp, **pictures, **{"images-0-alt": "Red"}))
    assert "Say what the picture shows, for those who cannot see it." in refused
    assert not ProductImage.objects.exists()
    described = {f"images-{n}-alt": alt for n, alt in enumerate(("Red", "Blue", "Grey"))}
    places = {f"images-{n}-position": str(2 - n) for n in range(3)}
    save(clerk, lamp, **{name: picture() for name in pictures}, **described, **places)
    assert [each.alt for each in lamp.images.all()] == ["Grey", "Blue", "Red"]


def test_category_is_of_the_products_own_marketplace(side):
    """Somebody who works in two communities is offered, in each product's form, that community's departments alone."""
    market = Marketplace.objects.create(
        community=Community.objects.create(slug="tide", name="Tide", cookie_name="tide"), currency="JPY"
    )
    nets = Category.objects.create(marketplace=market, slug="nets", name="Nets")
    nami = Vendor.objects.create(marketplace=market, name="Nami", slug="nami")
    user = make_staff("both", nami, "owner")
    Membership.objects.create(vendor=side.vendor, user=user, role="owner")
    client = signed_in(user)
    lamp = side.rows[Product]
    assert "Nets" not in words_of(client.get(page("change", lamp)))  # in its tags are tokens, of any four letters
    assert "Select a valid choice" in words(save(client, lamp, category=nets.pk))
    added = form_data(client.get(reverse("admin:vendors_product_add"))) | {
        "vendor": side.vendor.pk, "name": "X", "slug": "x", "category": nets.pk,
    }  # fmt: skip
    answer = client.post(reverse("admin:vendors_product_add"), added)
    assert "is a department of another marketplace" in words(answer)
    assert "Nets (Tide)" in words(answer)
    assert not Product.objects.filter(slug="x").exists()
    stranger = signed_in(side.staff["owner"])
    query = {"app_label": "vendors", "model_name": "product", "field_name": "category", "term": "Ne"}
    assert "Nets" not in words_of(stranger.get(reverse("admin:autocomplete"), query))
    assert "Nets" not in words_of(stranger.get(LIST))
    assert stranger.get(LIST, {"category__id__exact": nets.pk}).status_code in {200, 302}


def test_departments_have_two_levels_of_one_marketplace(side):
    market = side.vendor.marketplace
    top = Category(marketplace=market, name="Top", slug="top")
    top.save()
    for parent, said in ((top, "within itself"), (Category.objects.get(slug="things"), "")):
        top.parent = parent
        if said:
            with pytest.raises(Exception, match=said):
                top.clean()
        else:
            top.clean()

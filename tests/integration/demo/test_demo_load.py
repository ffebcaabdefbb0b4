"""Loading the demo: all of it at once, nothing of it twice, and nobody's changes undone."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction

from cart.letters.models import Letter
from cart.orders.models import Address, Consignment, Order, OrderLine, Payment
from deploy.demo import catalogue, goods, history, people, pictures, places, routes, vendor_sites
from deploy.demo.load import load
from deploy.demo.management.commands.load_demo import Command
from mall import reconciliation
from mall.accounts.models import User
from sessions_farm.communities.models import Community, Domain
from shipping.models import Department, Dispatch, Route
from vendors.images import save_renditions
from vendors.models import Category, Marketplace, Membership, Product, ProductImage, Stock, Storefront, Variant, Vendor

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 20, 14, 30, tzinfo=UTC)
MODELS = (
    *(Community, Domain, Marketplace, Category, Vendor, Storefront, User, Membership, Address),
    *(Product, Variant, Stock, Order, Consignment, OrderLine, Payment),
)
KEYS = {
    "id",
    "updated_at",
    "password",
    "date_joined",
    "last_login",
    "created_at",
    "wish",
    "next_look_at",
    "idempotency_key",
    "verify_token",
    "pending_since",
}


def load_quietly(now=NOW):
    said = []
    load(now=now, with_pictures=False, say=said.append)
    return said


def load_arcade():
    return places.load_places(catalogue.malls()[0], people.load_people())


def contents():
    """All rows without the clock; keys are counted from each table's first row, for sequences outlive a rollback."""
    first = {model: model.objects.order_by("pk").values_list("pk", flat=True).first() for model in MODELS}
    return {model.__name__: list(rows_of(model, first)) for model in MODELS}


def rows_of(model, first):
    fields = [field for field in model._meta.concrete_fields if field.name not in KEYS]
    for values in model.objects.order_by("pk").values_list(*(field.attname for field in fields)):
        yield [
            value - first[field.related_model] if field.is_relation and value is not None else value
            for field, value in zip(fields, values, strict=True)
        ]


@pytest.fixture
def loaded():
    load_quietly()


def test_all_of_it_is_there(loaded):
    assert Vendor.objects.published().count() == len(catalogue.vendors())
    assert Product.objects.published().count() == len(list(catalogue.goods())) >= 130
    assert Stock.objects.count() == Variant.objects.count()
    assert {store.host for store in Storefront.objects.all()} == {
        "",
        "fowlers.localhost",
        "noblebarney.localhost",
        "thistle.shops.localhost",
        "oldrope.localhost",
    }
    assert {community.slug: community.master.host for community in Community.objects.all()} == {
        "arcade": "mall.localhost",
        "secondtide": "secondtide.localhost",
    }
    assert set(Domain.objects.values_list("status", "verified_at")) == {(Domain.Status.ACTIVE, None)}


def test_malls_keep_to_themselves(loaded):
    for mall in catalogue.malls():
        marketplace = Marketplace.objects.get(community__slug=mall.slug)
        assert set(marketplace.vendors.values_list("slug", flat=True)) == set(mall.vendors)
        goods_there = Product.objects.filter(category__marketplace=marketplace)
        assert set(goods_there.values_list("vendor__slug", flat=True)) == set(mall.vendors)
        assert (
            not Order.objects.filter(marketplace=marketplace)
            .exclude(consignments__vendor__marketplace=marketplace)
            .exists()
        )


def test_both_malls_open_on_their_own_hosts(loaded, client, redis_client):
    for host, words in {
        "mall.localhost": "Lantern Arcade",
        "secondtide.localhost": "Second Tide",
        "oldrope.localhost": "Old Rope",
    }.items():
        response = client.get("/", headers={"host": host})
        assert response.status_code == 200
        assert words in response.text
    front = client.get("/", headers={"host": "mall.localhost"}).text
    assert "http://secondtide.localhost:8000/" in front
    assert "Old Rope" not in front
    assert client.get("/stores/lamplighter/", headers={"host": "mall.localhost"}).status_code == 404
    assert client.get("/stores/lamplighter/", headers={"host": "secondtide.localhost"}).status_code == 200


def test_two_fresh_loads_give_the_same():
    with transaction.atomic():
        load_quietly()
        first = contents()
        transaction.set_rollback(True)
    assert not Vendor.objects.exists()
    load_quietly()
    assert contents() == first


def test_a_second_load_changes_nothing(loaded):
    before = contents()
    said = load_quietly(now=NOW + timedelta(days=3))
    assert contents() == before
    assert any(line.startswith("0 new products") for line in said)


def test_a_second_load_keeps_what_staff_changed_and_brings_back_what_is_missing(loaded):
    Variant.objects.filter(sku="FW-KNP").update(price=1)
    skillet = Product.objects.get(slug="nore-skillet")
    OrderLine.objects.filter(variant__product=skillet).update(variant=None)  # else it could be withdrawn alone
    skillet.delete()
    load_quietly()
    assert Variant.objects.get(sku="FW-KNP").price == 1
    assert Product.objects.get(slug="nore-skillet").variants.count() == 2


def test_hosts_follow_the_farms_top_level_domain(monkeypatch):
    monkeypatch.setenv("DEMO_TLD", "test")
    load_quietly()
    assert set(Domain.objects.values_list("host", flat=True)) == {
        "mall.test",
        "fowlers.test",
        "noblebarney.test",
        "shops.test",
        "secondtide.test",
        "oldrope.test",
    }


def test_people_can_sign_in_as_what_they_are(loaded):
    owner = User.objects.get(email="fowlers@mall.localhost")
    assert owner.check_password(people.PASSWORD)
    assert owner.is_staff
    assert not owner.is_superuser
    assert list(Membership.objects.filter(user=owner).values_list("vendor__slug", "role")) == [("fowlers", "owner")]
    assert User.objects.get(email="admin@mall.localhost").is_superuser
    assert not User.objects.get(email="anna@example.org").is_staff
    assert Membership.objects.filter(user__email="packing@fowlers.localhost", role="orders").exists()
    for _, person in people.sign_ins():
        assert User.objects.filter(email=person.email).exists()


def test_past_orders_add_up_and_nothing_is_sent_for_them(loaded):
    assert not Letter.objects.exists()
    assert not Dispatch.objects.live().exists()
    charges = reconciliation.captured_charges(NOW - reconciliation.PERIOD * 20)
    assert reconciliation.charges_without_payment(charges, NOW) == []
    assert reconciliation.payments_without_charge(charges, NOW - reconciliation.PERIOD * 20) == []
    assert not reconciliation.paid_without_order(NOW).exists()
    assert not reconciliation.orders_without_dispatch().exists()
    for order in Order.objects.prefetch_related("consignments__lines", "payments"):
        parcels = order.consignments.all()
        assert order.placed_at < NOW
        assert order.goods_total == sum(line.total for parcel in parcels for line in parcel.lines.all())
        assert order.total == sum(parcel.total for parcel in parcels)
        assert [payment.amount for payment in order.payments.all()] == [order.total]
        assert all(bool(parcel.sent_at) == (parcel.state in history.SENT) for parcel in parcels)


def test_shoppers_have_orders_in_different_states(loaded):
    for email in ("anna@example.org", "ben@example.org"):
        mine = Order.objects.shown().filter(user__email=email)
        assert mine.count() >= 3
        assert Consignment.objects.filter(order__in=mine).values("state").distinct().count() >= 3


def test_routes_follow_the_departments_that_run_now(loaded):
    town = load_arcade()
    environ = {"DEMO_HTTP_URL": "http://127.0.0.1:9001/", "DEMO_HTTP_SECRET": "whsec_" + "A" * 44}
    ours = sum(vendor.department == "http" for vendor in catalogue.vendors(town.mall))
    assert routes.load_routes(town, NOW, environ) == ours
    moved = environ | {
        "DEMO_HTTP_URL": "http://127.0.0.1:9002/",
        "DEMO_MAILBOX_ADDRESS": "orders@noblebarney.localhost",
    }
    routes.load_routes(town, NOW, moved)
    assert Route.objects.get(department__vendor__slug="fowlers").config == {"url": "http://127.0.0.1:9002/"}
    assert Route.objects.get(department__vendor__slug="noblebarney").transport == "email"
    assert not Department.objects.filter(vendor__slug="thistle").exists()


def test_vendors_are_reached_over_seven_lines_one_of_them_dial_up(loaded, tmp_path):
    departments = vendor_sites.open_departments(tmp_path, 20_001)
    environ = departments.for_the_mall
    for mall in catalogue.malls():
        routes.load_routes(places.load_places(mall, people.load_people()), NOW, environ)
    lines = dict(Route.objects.values_list("department__vendor__slug", "transport"))
    assert set(lines.values()) == {"http", "email", "sftp", "ftp", "pull_http", "pull_ftp", "agent"}
    assert set(departments.inboxes) == set(vendor_sites.LINES)
    assert {lines[slug] for slug in vendor_sites.LINES} == set(lines.values())
    department = Department.objects.get(vendor__slug="saltmarsh")
    assert departments.drop_user.read_text() == f"saltmarsh.{department.pk}"
    programs = {program.name: program.command for program in departments.programs({})}
    assert programs["dial-up"][-5:-1] == vendor_sites.DIAL_UP
    assert "deploy.demo.folder_client" in programs["drop-folder-client"]


def test_pictures_are_stored_where_they_are_missing(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    town = load_arcade()
    goods.load_goods(town, NOW)
    wanted = list(pictures.pictures())[:2]
    assert pictures.load_pictures(town, wanted, print) == 2
    kettle = ProductImage.objects.get(product__slug="rose-inn-stove-kettle", position=0)
    assert (kettle.width, kettle.height) == (1200, 1200)
    assert kettle.alt == wanted[0].alt
    assert len(list((tmp_path / "products").iterdir())) == 12  # each in three sizes and two formats
    assert pictures.load_pictures(town, wanted, print) == 0
    (tmp_path / kettle.file.name).unlink()
    assert pictures.load_pictures(town, wanted, print) == 1
    kettle.refresh_from_db()
    assert (tmp_path / kettle.file.name).exists()
    assert ProductImage.objects.count() == 2


def test_a_picture_that_staff_chose_stays(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    town = load_arcade()
    goods.load_goods(town, NOW)
    wanted = list(pictures.pictures())[:1]
    pictures.load_pictures(town, wanted, print)
    image = ProductImage.objects.get()
    image.alt = "Our own words"
    save_renditions(image, wanted[0].renditions())
    image.save()
    assert pictures.load_pictures(town, wanted, print) == 0
    assert (ProductImage.objects.get().alt, ProductImage.objects.get().file.name) == (image.alt, image.file.name)


def test_the_command_says_what_it_does():
    said = StringIO()
    call_command(Command(), "--without-pictures", stdout=said)
    assert "140 new products" in said.getvalue()
    assert "10 new products" in said.getvalue()
    assert not ProductImage.objects.exists()

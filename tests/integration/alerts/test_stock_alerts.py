"""Stock alerts: one letter to an address that agreed, when the goods can be had again, and to nobody else."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from cart.letters import sending
from cart.letters.models import Letter
from cart.stock_alerts import limits, services
from cart.stock_alerts.links import alert_path
from cart.stock_alerts.models import StockAlert
from mall import retention, tasks
from mall.accounts.export import export_account
from mall.accounts.models import User
from sessions_farm.communities.models import Community, Visitor
from tests.support.html import flat
from tests.support.shop import MASTER, add_goods, later, make_shop, put_on_hand
from vendors import stock
from vendors.models import Marketplace, Product, StockHold, Variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def lamp(shop):
    return add_goods(shop, "amber", "Lamp", on_hand=0)


@pytest.fixture
def client():
    return Client(headers={"host": f"{MASTER}:8000"})


@pytest.fixture
def anna(client):
    user = User.objects.create_user("anna@example.org", "secret")
    user.emailaddress_set.create(email="anna@example.org", verified=True, primary=True)
    client.force_login(user)
    return user


def ask(client, variant, email="guest@example.org"):
    return flat(client.post(f"/alerts/of/{variant.pk}/", {"email": email}, follow=True))


def letters():
    """The letters that go out now, each as (address, subject, link)."""
    sending.send_due_letters()
    found = [(each.to[0], each.subject, re.search(r": (http\S+)", each.body)[1]) for each in mail.outbox]
    mail.outbox.clear()
    return found


def press(client, link, do):
    return flat(client.post(link.removeprefix(f"http://{MASTER}:8000"), {"do": do}))


def sweep():
    tasks.write_stock_alerts()
    return letters()


def test_a_guest_confirms_and_gets_one_letter(client, lamp):
    assert "we wrote to guest@example.org" in ask(client, lamp)
    [(to, subject, link)] = letters()
    assert (to, subject) == ("guest@example.org", "Shall we write when Lamp is back?")
    put_on_hand(lamp, 5)
    assert sweep() == [], "a stranger typed the address"
    assert "We write to guest@example.org" in press(client, link, "confirm")
    [(to, subject, link)] = sweep()
    assert (to, subject) == ("guest@example.org", "Lamp is back at Amber")
    assert link == "http://amber.localhost:8000/products/lamp/"
    put_on_hand(lamp, 0)
    put_on_hand(lamp, 5)
    assert sweep() == [], "one letter for one alert"


def test_opening_the_link_confirms_nothing(client, lamp):
    """Programs that look for malice in mail open every link of it."""
    ask(client, lamp)
    [(_, _, link)] = letters()
    page = client.get(link.removeprefix(f"http://{MASTER}:8000"))
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "Yes, write to me" in flat(page)
    assert StockAlert.objects.get().confirmed_at is None


def test_the_link_ends_it(client, lamp):
    ask(client, lamp)
    [(_, _, link)] = letters()
    press(client, link, "confirm")
    assert "There is no letter about it" in press(client, link, "end")
    assert not StockAlert.objects.exists()
    put_on_hand(lamp, 5)
    assert sweep() == []
    assert "Nothing waits here" in flat(client.get(link.removeprefix(f"http://{MASTER}:8000")))


def test_a_member_waits_at_once_with_an_own_address_only(client, anna, lamp):
    assert 'value="anna@example.org"' in flat(client.get(f"/alerts/of/{lamp.pk}/"))
    assert "We write to anna@example.org" in ask(client, lamp, "anna@example.org")
    assert letters() == []
    assert "we wrote to bob@example.org" in ask(client, lamp, "bob@example.org")
    assert [to for to, *_ in letters()] == ["bob@example.org"]
    put_on_hand(lamp, 1)
    assert [to for to, *_ in sweep()] == ["anna@example.org"]


def test_the_answer_is_the_same_whether_an_address_waits(client, lamp):
    first = ask(client, lamp)
    [(_, _, link)] = letters()
    press(client, link, "confirm")
    again = ask(Client(headers={"host": f"{MASTER}:8000"}), lamp, "GUEST@example.org")
    words = [re.search(r'class="told".*?</div>', page)[0].lower() for page in (first, again)]
    assert words[0] == words[1]
    assert letters() == []
    assert StockAlert.objects.count() == 1


@pytest.mark.usefixtures("mid_hour")
def test_asking_again_and_again_sends_a_letter_an_hour(client, lamp):
    for _ in range(5):
        ask(client, lamp)
    assert len(letters()) == 1
    Letter.objects.update(key="earlier")
    ask(client, lamp)
    assert len(letters()) == 1


def test_goods_that_a_checkout_holds_are_not_back(client, anna, lamp):
    """A trigger on the stock would miss them when the checkout lets them go."""
    ask(client, lamp, "anna@example.org")
    put_on_hand(lamp, 2)
    hold = StockHold.objects.create(variant=lamp, quantity=2, until=later(minutes=5))
    assert sweep() == []
    hold.delete()
    assert len(sweep()) == 1


def test_goods_that_are_not_sold_any_more_are_not_back(client, anna, lamp):
    ask(client, lamp, "anna@example.org")
    put_on_hand(lamp, 2)
    Product.objects.update(status=Product.Status.WITHDRAWN)
    assert sweep() == []
    assert client.get(f"/alerts/of/{lamp.pk}/").status_code == 404
    Product.objects.update(status=Product.Status.PUBLISHED)
    assert len(sweep()) == 1


def test_what_is_there_is_not_waited_for(client, shop):
    jug = add_goods(shop, "amber", "Jug")
    assert "put it into the cart" in flat(client.get(f"/alerts/of/{jug.pk}/"))
    assert "put it into the cart" in ask(client, jug)
    assert not StockAlert.objects.exists()


@pytest.mark.parametrize("email", ["", "x", "a@b", "a@example.org\nBcc: b@example.org", "a" * 300 + "@example.org"])
def test_a_wrong_address_is_said_beside_its_field(client, lamp, email):
    response = client.post(f"/alerts/of/{lamp.pk}/", {"email": email})
    assert response.status_code == 422
    assert 'id="id_email_error"' in flat(response)
    assert not StockAlert.objects.exists()


@pytest.mark.parametrize("path", ["/alerts/of/0/", f"/alerts/of/{2**70}/", "/alerts/of/x/"])
def test_no_goods_no_page(client, shop, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("token", ["x", "5" * 32, f"{'5' * 32}:forged"])
def test_a_forged_link_opens_nothing(client, lamp, token):
    for response in (client.get(f"/alerts/mine/{token}/"), client.post(f"/alerts/mine/{token}/", {"do": "end"})):
        assert "Nothing waits here" in flat(response) or "Ended" in flat(response)


def test_a_link_of_another_community_opens_nothing(client, lamp):
    ask(client, lamp)
    path = alert_path(StockAlert.objects.get().uuid)
    StockAlert.objects.update(marketplace=make_other_marketplace())
    assert "Nothing waits here" in flat(client.get(path))


def make_other_marketplace():
    other = Community.objects.create(slug="fair", name="The Fair", cookie_name="fair")
    return Marketplace.objects.create(community=other, currency="EUR")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("A_VISITOR", "You asked for many things today"),
        ("A_NETWORK", "Many asked from your network today"),
        ("AN_ADDRESS", "Many were asked for with this address today"),
        ("WAITING_AT_ONCE", "End one of them first"),
    ],
)
def test_limits_say_so_in_words(shop, client, monkeypatch, name, words):
    for each in ("A_VISITOR", "A_NETWORK", "AN_ADDRESS", "WAITING_AT_ONCE"):
        monkeypatch.setattr(limits, each, 2 if each == name else 99)
    client = Client(headers={"host": f"{MASTER}:8000"}, REMOTE_ADDR="203.0.113.9")
    if name == "A_VISITOR":
        client.post("/cart/add/", {"variant": add_goods(shop, "basalt", "Vase").pk, "quantity": 1})
    for number in range(3):
        page = ask(client, add_goods(shop, "amber", f"Lamp {number}", on_hand=0))
    assert words in page
    assert StockAlert.objects.count() == 2
    assert len(letters()) == 2
    if name != "WAITING_AT_ONCE":
        StockAlert.objects.update(asked_at=timezone.now() - timedelta(days=2))
        assert "we wrote to" in ask(client, Variant.objects.get(product__name="Lamp 2"))


def test_networks_are_forgotten(client, lamp):
    ask(Client(headers={"host": f"{MASTER}:8000"}, REMOTE_ADDR="203.0.113.9"), lamp)
    assert StockAlert.objects.exclude(network="").exists()
    StockAlert.objects.update(asked_at=timezone.now() - timedelta(days=3))
    tasks.write_stock_alerts()
    assert not StockAlert.objects.exclude(network="").exists()


def test_the_account_lists_and_ends_its_own(client, anna, shop, lamp):
    jug = add_goods(shop, "amber", "Jug", on_hand=0)
    ask(client, lamp, "anna@example.org")
    ask(client, jug, "anna@example.org")
    stranger = services.ask(
        asker=limits.Asker("bob@example.org", None, ""), variant=lamp, user=None, is_own=False, now=timezone.now()
    )
    page = flat(client.get("/accounts/waiting/"))
    assert page.count("Do not write any more") == 2
    assert "bob@example.org" not in page
    mine = StockAlert.objects.get(user=anna, variant=jug)
    for alert in (mine, stranger):
        client.post(f"/accounts/waiting/{alert.pk}/end/")
    assert set(StockAlert.objects.values_list("email", flat=True)) == {"anna@example.org", "bob@example.org"}
    assert StockAlert.objects.get(user=anna).variant == lamp
    assert "Lamp" in export_account(anna)
    anna.delete()
    assert not StockAlert.objects.filter(email="anna@example.org").exists()


def test_an_alert_ages_out(settings, client, lamp):
    settings.STOCK_ALERT_DAYS = 100
    now = timezone.now()
    ages = {"asked": (1, 3), "waiting": (99, 101), "sent": (29, 31)}
    for state, days in ages.items():
        for age in days:
            then = now - timedelta(days=age)
            StockAlert.objects.create(
                variant=lamp, marketplace_id=lamp.product.vendor.marketplace_id, email=f"{state}{age}@example.org",
                asked_at=then, confirmed_at=then if state != "asked" else None,
                sent_at=then if state == "sent" else None,
            )  # fmt: skip
    for age in (29, 31):
        Letter.objects.create(
            marketplace_id=lamp.product.vendor.marketplace_id, kind="stock_back", key=str(age), to="a@example.org",
            facts={}, created_at=now - timedelta(days=age), due_at=None, sent_at=now,
        )  # fmt: skip
    found = retention.purge(now)
    assert (found["stock alerts"], found["letters about goods"]) == (3, 1)
    assert {each.partition("@")[0] for each in StockAlert.objects.values_list("email", flat=True)} == {
        "asked1", "waiting99", "sent29",
    }  # fmt: skip


def test_batches_write_every_letter_once(client, lamp, monkeypatch):
    monkeypatch.setattr(services, "BATCH", 2)
    now = timezone.now()
    StockAlert.objects.bulk_create(
        StockAlert(
            variant=lamp, marketplace_id=lamp.product.vendor.marketplace_id, email=f"a{number}@example.org",
            asked_at=now, confirmed_at=now,
        )
        for number in range(5)
    )  # fmt: skip
    put_on_hand(lamp, 1)
    assert services.write_due_letters(now) == 5
    assert services.write_due_letters(now) == 0
    assert sorted(to for to, *_ in letters()) == [f"a{number}@example.org" for number in range(5)]
    assert stock.available([lamp.pk], now) == {lamp.pk: 1}, "nothing is put aside"


def test_a_shops_page_leads_to_the_mall(client, lamp):
    page = flat(Client(headers={"host": "amber.localhost:8000"}).get("/products/lamp/"))
    assert f'href="http://{MASTER}:8000/alerts/of/{lamp.pk}/">Tell me when it is back</a>' in page
    assert Client(headers={"host": "amber.localhost:8000"}).get(f"/alerts/of/{lamp.pk}/").status_code == 404


def test_visitors_who_are_deleted_leave_their_alerts(client, lamp):
    visitor = Visitor.objects.create(community=lamp.product.vendor.marketplace.community)
    asker = limits.Asker("a@example.org", visitor.pk, "")
    services.ask(asker=asker, variant=lamp, user=None, is_own=False, now=timezone.now())
    visitor.delete()
    assert StockAlert.objects.get().visitor is None

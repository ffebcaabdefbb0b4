"""What a shopper does from an order's page: cancel, send back, ask the shop, order again; and what others cannot."""

import gzip
import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cart.aftersale import asking
from cart.aftersale.models import Cancellation, ContactChange, Return
from cart.letters import sending
from cart.letters.models import Letter
from cart.models import Line
from cart.orders.models import Consignment, Order
from cart.orders.packing import transition_consignment
from mall.accounts.models import User
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from tests.support.html import flat, form_data
from tests.support.shop import MASTER, put_on_hand
from vendors.models import Marketplace, Variant, Vendor


def browser(host=MASTER) -> Client:
    return Client(headers={"host": f"{host}:8000"}, enforce_csrf_checks=True)


@pytest.fixture
def client():
    return browser()


def post(client, path, **data):
    """Open a page, and send its form with what is typed."""
    page = client.get(path)
    assert page.status_code == 200, page.status_code
    return client.post(path, form_data(page) | data, follow=True)


def address(sale, act, *more):
    token = sale.order.get_absolute_url().rstrip("/").rpartition("/")[2]
    return reverse(f"order:{act}", args=[token, *more])


def send(sale, vendor, **fields):
    consignment = sale.consignment(vendor)
    Consignment.objects.filter(pk=consignment.pk).update(**fields)
    transition_consignment(consignment_id=consignment.pk, to=Consignment.State.SENT, now=timezone.now())
    return consignment


def test_pieces_are_cancelled_and_the_page_says_what_goes_back(sale, client):
    lamp = sale.line("lamp")
    page = flat(post(client, address(sale, "cancel"), **{f"pieces-{lamp.pk}": 2}))
    assert "2 cancelled" in page
    assert "€20.00" in page
    assert "Goes back soon" in page
    assert sale.line("lamp").cancelled == 2


def test_all_of_a_shop_is_cancelled_and_the_other_stays(sale, client):
    amber = sale.consignment("amber")
    post(client, f"{address(sale, 'cancel')}?of={amber.number}", button="all")
    assert {each.vendor.slug: each.state for each in sale.order.consignments.select_related("vendor")} == {
        "amber": "cancelled", "basalt": "open",
    }  # fmt: skip


def test_packed_goods_are_not_cancelled_by_the_shopper(sale, client):
    path = address(sale, "cancel")
    data = form_data(client.get(path)) | {f"pieces-{sale.line('vase').pk}": 1}
    transition_consignment(
        consignment_id=sale.consignment("basalt").pk, to=Consignment.State.PACKED, now=timezone.now()
    )
    assert "Say how many pieces" in flat(client.post(path, data))
    assert not Cancellation.objects.exists()


def test_same_form_sent_twice_cancels_once(sale, client):
    path, lamp = address(sale, "cancel"), sale.line("lamp")
    data = form_data(client.get(path)) | {f"pieces-{lamp.pk}": 1}
    for _ in range(2):
        client.post(path, data)
    assert sale.line("lamp").cancelled == 1


def test_return_is_asked_for_and_its_answer_is_shown(sale, client):
    consignment = send(sale, "amber")
    path = address(sale, "return", consignment.number)
    page = flat(post(client, path, why="Too small", **{f"pieces-{sale.line('lamp').pk}": 1}))
    assert "Return asked for" in page
    Return.objects.update(state="refused", answer="It was worn.")
    page = flat(client.get(sale.order.get_absolute_url()))
    assert "Return refused" in page
    assert "“It was worn.”" in page


def test_goods_that_are_not_sent_are_not_returned(sale, client):
    consignment = sale.consignment("amber")
    page = flat(client.get(address(sale, "return", consignment.number)))
    assert "only what was sent can come back" in page
    assert f"{consignment.number} is to be packed" in page


def test_question_goes_to_the_shop_and_its_answer_to_the_shopper(sale, client):
    Vendor.objects.filter(slug="amber").update(support_email="help@amber.example")
    consignment = sale.consignment("amber")
    page = flat(post(client, address(sale, "ask", consignment.number), text="Is it <b>blue</b>?\nReally?"))
    assert "Your question goes to Amber" in page
    assert "Is it &lt;b&gt;blue&lt;/b&gt;?" in page
    mail.outbox.clear()
    sending.send_due_letters()
    (letter,) = [letter for letter in mail.outbox if letter.to == ["help@amber.example"]]
    assert letter.reply_to == ["anna@example.org"]
    assert consignment.number in letter.body
    assert "/orders/status/" not in str(letter.message())  # the key of the order is the shopper's alone


def test_question_goes_to_the_mall_where_the_shop_has_no_address(sale, client):
    Marketplace.objects.update(support_email="desk@mall.example")
    post(client, address(sale, "ask", sale.consignment("amber").number), text="Is it blue?")
    assert Letter.objects.get(kind="question").to == "desk@mall.example"


def test_questions_are_limited_by_the_letters_themselves(sale, client):
    Marketplace.objects.update(support_email="desk@mall.example")
    path = address(sale, "ask", sale.consignment("amber").number)
    for _ in range(asking.QUESTIONS_AN_HOUR):
        assert "Your question goes to" in flat(post(client, path, text="Is it blue?"))
    assert "Wait for an answer" in flat(post(client, path, text="Is it blue?"))
    assert Letter.objects.filter(kind="question").count() == asking.QUESTIONS_AN_HOUR


def test_reorder_says_what_is_different(sale, client, shop):
    Variant.objects.filter(pk=sale.variants["lamp"].pk).update(price=1200)
    put_on_hand(sale.variants["shade"], 0)
    Variant.objects.filter(pk=sale.variants["vase"].pk).update(withdrawn=True)
    data = form_data(client.get(sale.order.get_absolute_url()))
    page = flat(client.post(address(sale, "reorder"), data, follow=True))
    assert "In your cart again: 3 × Lamp." in page
    assert "Lamp costs more now: €12.00, then €10.00." in page
    assert "Shade is sold out." in page
    assert "Vase is not sold any more." in page
    assert list(Line.objects.values_list("variant_id", "quantity")) == [(sale.variants["lamp"].pk, 3)]


def test_reorder_takes_what_is_left(sale, client):
    put_on_hand(sale.variants["lamp"], 2)
    data = form_data(client.get(sale.order.get_absolute_url()))
    page = flat(client.post(address(sale, "reorder"), data, follow=True))
    assert "Only 2 of 3 Lamp are to be had." in page


def test_page_shows_the_way_of_a_parcel(sale, client):
    send(sale, "amber", carrier="An Post", tracking_number="CE 1/2")
    page = flat(client.get(sale.order.get_absolute_url()))
    assert 'href="https://www.anpost.com/Post-Parcels/Track/History?item=CE%201%2F2"' in page
    assert "On its way by An Post" in page
    assert re.search(r"<time datetime=[^>]+>[^<]+, \d\d:\d\d (GMT|IST)</time>", page)
    assert "<title>Part of your order is on its way" in page


@pytest.mark.parametrize(("state", "words"), [("sent", "is on its way"), ("delivered", "has arrived")])
def test_heading_fits_what_the_order_has_come_to(sale, client, state, words):
    assert heading(sale, client).startswith("Thank you")
    Order.objects.update(placed_at=timezone.now() - timedelta(days=3))
    assert heading(sale, client) == "Your order is being packed"
    Consignment.objects.update(state=state, sent_at=timezone.now())
    assert heading(sale, client) == f"Your order {words}"


def heading(sale, client):
    return re.search("<h1[^>]*>([^<]*)", flat(client.get(sale.order.get_absolute_url())))[1].strip()


def test_poll_that_finds_nothing_new_leaves_the_page_alone(sale, client):
    path = sale.order.get_absolute_url()
    (seen,) = re.findall(r"seen=(\w+)", client.get(path).text)
    poll = {"path": f"{path}?seen={seen}", "headers": {"hx-request": "true"}}
    assert client.get(**poll).status_code == 204
    send(sale, "amber")
    answer = client.get(**poll)
    assert answer.status_code == 200
    assert "Your order has changed" in answer.text


@pytest.mark.parametrize("act", ["page", "cancel", "ask"])
def test_pages_of_ten_parcels_are_twelve_statements_and_small(big_sale, client, act, django_assert_max_num_queries):
    first = big_sale.order.consignments.first()
    for each in big_sale.order.consignments.all()[5:]:
        send(big_sale, each.vendor.slug, carrier="An Post", tracking_number="CE1")
    for number in range(3):
        ask = {"text": "Where is it?", "key": str(number), "now": timezone.now()}
        asking.ask_shop(order_id=big_sale.order.pk, consignment=first, **ask)
    more = [first.number] if act == "ask" else []
    path = big_sale.order.get_absolute_url() if act == "page" else address(big_sale, act, *more)
    client.get(path)
    with django_assert_max_num_queries(12):
        page = client.get(path)
    assert page.status_code == 200
    assert len(gzip.compress(page.content)) < 25_000


# Strangers


def every_act(sale, number):
    return [address(sale, "cancel"), address(sale, "return", number), address(sale, "ask", number),
            address(sale, "contact")]  # fmt: skip


def test_forged_links_open_nothing(sale, client):
    number = sale.consignment("amber").number
    for path in [*every_act(sale, number), address(sale, "reorder"), sale.order.get_absolute_url()]:
        token = path_of_page(path).split("/")[3]
        for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), sale.order.number, str(sale.order.uuid)):
            bad = path.replace(token, forged)
            for answer in (client.get(bad), Client(headers={"host": f"{MASTER}:8000"}).post(bad)):
                assert answer.status_code in {404, 405}, (bad, answer.status_code)


def test_link_that_ran_out_does_nothing(sale, client, settings):
    paths = [*every_act(sale, sale.consignment("amber").number), address(sale, "reorder")]
    data = form_data(client.get(paths[0]))
    settings.ORDER_LINK_DAYS = 0
    for path in paths:
        answer = client.post(path, data | {"button": "all"})
        assert (answer.status_code, answer["Location"]) == (303, path_of_page(path))
    assert not Cancellation.objects.exists()
    assert not Line.objects.exists()


def path_of_page(path):
    return re.match(r"/orders/status/[^/]+/", path)[0]


def test_number_of_another_order_is_not_found_by_ones_own_link(sale, other_sale, client):
    number = other_sale.consignment("amber").number
    for act in ("return", "ask"):
        assert client.get(address(sale, act, number)).status_code == 404
    assert client.get(f"{address(sale, 'cancel')}?of={number}").status_code == 404


def test_lines_of_another_order_are_not_touched_by_ones_own_form(sale, other_sale, client):
    theirs = other_sale.order.consignments.first().lines.first()
    page = flat(post(client, address(sale, "cancel"), **{f"pieces-{theirs.pk}": 1}))
    assert "Say how many pieces" in page
    theirs.refresh_from_db()
    assert theirs.cancelled == 0


def test_another_community_shows_nothing(sale, client):
    community = Community.objects.create(slug="fair", name="The Fair", cookie_name="fair")
    community.master = Domain.objects.create(community=community, host="fair.localhost", status="active")
    community.save()
    Marketplace.objects.create(community=community, currency="EUR")
    registry.forget()
    stranger = browser("fair.localhost")
    for path in [*every_act(sale, sale.consignment("amber").number), sale.order.get_absolute_url()]:
        assert stranger.get(path).status_code == 404


def test_another_account_with_the_link_moves_no_parcel(sale, client):
    """It may see, as whoever has the link; the address changes when the order's mail address has confirmed it."""
    client.force_login(User.objects.create_user("mallory@example.org", "secret"))
    page = flat(post(client, address(sale, "contact"), line1="9 Far Street", email="mallory@example.org"))
    assert "Not changed yet: we wrote to anna@example.org" in page
    order = sale.reload()
    assert (order.line1, order.email) == ("1 Quay Street", "anna@example.org")
    assert ContactChange.objects.get().made_at is None
    mail.outbox.clear()
    sending.send_due_letters()
    assert {to for letter in mail.outbox for to in letter.to} == {"anna@example.org"}

"""Reviews: who bought writes, the mall's staff decide, the shop answers, and pages show what is published."""

import re
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart.orders.models import Consignment, Order
from cart.orders.signals import buyers_erased
from mall.accounts.export import export_account
from mall.accounts.models import User
from sessions_farm.communities.tests.support.registry_admin import FormClient
from tests.integration.aftersale.test_shopper_pages import address, post, send
from tests.support.html import flat, form_data, structured_data, words_of
from tests.support.shop import MASTER, add_goods
from vendors import people, reviews
from vendors.models import ProductCard, Review, ReviewReport
from vendors.reviews import ReviewError

AMBER = "amber.localhost"
TEXT = "It shines.\n\nAnd it is <b>warm</b>."


@pytest.fixture
def client():
    return Client(headers={"host": f"{MASTER}:8000"}, enforce_csrf_checks=True)


@pytest.fixture
def bought(sale):
    """The order's lamps are with the buyer."""
    send(sale, "amber")
    return sale.line("lamp")


def write(client, sale, line, **said):
    return flat(post(client, address(sale, "review", line.pk), **{"stars": "4", "name": "Anna", "text": TEXT} | said))


def publish(**fields):
    Review.objects.update(state="published", **fields)


def product_page(**data):
    return flat(Client(headers={"host": f"{AMBER}:8000"}).get("/products/lamp/", data))


def staff(role="operator") -> FormClient:
    user = User.objects.create_user(f"{role}@mall.example", is_staff=True, mall_role=role)
    return signed_in(user)


def signed_in(user) -> FormClient:
    client = FormClient(headers={"host": MASTER})
    client.force_login(user)
    return client


def owner_of(vendor) -> FormClient:
    user = User.objects.create_user(f"owner@{vendor.slug}.example", "secret", is_staff=True)
    people.add_role(vendor=vendor, user=user, role="owner")
    return signed_in(User.objects.get(pk=user.pk))


def test_a_review_is_read_before_others_see_it(sale, client, bought):
    assert "it is on the product’s page" in write(client, sale, bought)
    assert "Nobody has reviewed it yet" in product_page()
    assert "waits to be read" in flat(client.get(address(sale, "review", bought.pk)))
    publish()
    page = product_page()
    assert "4.0 of 5 stars, by 1 buyer" in page
    assert "<p>It shines.</p><p>And it is &lt;b&gt;warm&lt;/b&gt;.</p>" in page
    assert "is on the page of the goods" in flat(client.get(address(sale, "review", bought.pk)))


def test_only_what_was_sent_is_reviewed(sale, client):
    assert client.get(address(sale, "review", sale.line("lamp").pk)).status_code == 404
    send(sale, "amber")
    page = flat(client.get(sale.order.get_absolute_url()))
    assert page.count("Review it") == 2
    assert client.get(address(sale, "review", sale.line("vase").pk)).status_code == 404
    assert client.get(address(sale, "review", 2**62)).status_code == 404


def test_anothers_order_opens_no_review(sale, other_sale, client, bought):
    assert client.get(address(other_sale, "review", bought.pk)).status_code == 404
    forged = address(sale, "review", bought.pk).replace("status/", "status/x")
    assert client.get(forged).status_code == 404


def test_a_line_has_one_review_which_can_be_changed_and_taken_back(sale, client, bought):
    write(client, sale, bought)
    publish(answer="Thank you.")
    write(client, sale, bought, stars="1", text="It broke.")
    review = Review.objects.get()
    assert (review.stars, review.text, review.state) == (1, "It broke.", "waiting")
    assert "It shines" not in product_page()
    write(client, sale, bought, button="take_back")
    assert not Review.objects.exists()


def test_a_refusal_says_why_to_its_writer(sale, client, bought):
    write(client, sale, bought)
    Review.objects.update(state="refused", why="It names a person.")
    page = flat(client.get(address(sale, "review", bought.pk)))
    assert "Your review is not published: It names a person." in page
    assert "Nobody has reviewed it yet" in product_page()


@pytest.mark.parametrize(
    "said", [{"stars": ""}, {"stars": "6"}, {"stars": "0"}, {"text": "x" * 2001}, {"name": "x" * 41}, {"text": "a\0b"}]
)
def test_what_cannot_be_is_said_beside_its_field(sale, client, bought, said):
    path = address(sale, "review", bought.pk)
    data = form_data(client.get(path)) | {"stars": "4", "name": "Anna", "text": "x"} | said
    response = client.post(path, data)
    assert response.status_code == 422
    assert "field__error" in flat(response)
    assert not Review.objects.exists()


def test_it_is_not_written_anew_for_ever(sale, bought):
    said = {"stars": 3, "name": "", "text": "", "now": timezone.now()}
    for _ in range(reviews.MOST_VERSIONS):
        reviews.write_review(product_id=bought.variant.product_id, line=bought.pk, order=sale.order.uuid, **said)
    with pytest.raises(ReviewError):
        reviews.write_review(product_id=bought.variant.product_id, line=bought.pk, order=sale.order.uuid, **said)


def test_hostile_text_is_text(sale, client, bought):
    hostile = '</script><script>alert(1)</script>\u202ex\x1b[31m "quoted" & \u2028 end' + "ä" * 48
    write(client, sale, bought, text=hostile, name="</script>\u202e<b>")
    publish(answer="<img src=x onerror=alert(1)>")
    page = product_page()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "\u202e" not in page
    node = structured_data(page)[0]
    assert node["review"][0]["author"]["name"] == "</script><b>"
    assert node["review"][0]["reviewBody"].startswith("</script><script>alert(1)</script>x")


def test_structured_data_has_what_is_published_only(sale, client, bought):
    write(client, sale, bought)
    assert structured_data(product_page())[0].keys() & {"review", "aggregateRating"} == set()
    publish()
    node = structured_data(product_page())[0]
    assert node["aggregateRating"] == {
        "@type": "AggregateRating", "ratingValue": "4.0", "reviewCount": 1, "bestRating": 5, "worstRating": 1,
    }  # fmt: skip
    assert node["review"][0]["reviewRating"]["ratingValue"] == 4


def many(variant, number, **fields):
    Review.objects.bulk_create(
        Review(
            product=variant.product, line=10_000 + variant.pk * 100 + place, order=uuid4(),
            stars=1 + place % 5, text=f"Text {place}", state="published",
            written_at=timezone.now() - timedelta(minutes=place), **fields,
        )
        for place in range(number)
    )  # fmt: skip


def test_average_and_number_are_on_cards_without_more_queries(shop, sale):
    others = [add_goods(shop, "amber", f"Lamp {number}") for number in range(5)]
    visit = Client(headers={"host": f"{AMBER}:8000"})
    visit.get("/departments/things/")
    with CaptureQueriesContext(connection) as before:
        visit.get("/departments/things/")
    for variant in others:
        many(variant, 3, name="Ann")
    page = flat(visit.get("/departments/things/"))
    assert page.count("goods__rating") == 5
    assert page.count(">2.0<") == 5
    with CaptureQueriesContext(connection) as after:
        visit.get("/departments/things/")
    assert len(after) == len(before)
    card = ProductCard.objects.get(name="Lamp 0")
    assert (card.rating_count, card.rating_sum, card.rating) == (3, 6, Decimal("2.0"))
    Review.objects.filter(product=card.pk).first().delete()
    visit.get("/departments/things/")
    card.refresh_from_db()
    assert (card.rating_count, card.rating_sum) == (2, 5)


def test_the_page_of_all_goes_on_by_key(sale):
    many(sale.variants["lamp"], 45)
    visit = Client(headers={"host": f"{AMBER}:8000"})
    assert "All 45 reviews" in product_page()
    path, found = "/products/lamp/reviews/", []
    while path:
        page = flat(visit.get(path))
        found += re.findall(r"<p>Text (\d+)</p>", page)
        onward = re.search(r'href="([^"]*)" rel="next"', page)
        path = onward[1] if onward else ""
    assert found == [str(number) for number in range(45)]
    assert visit.get("/products/lamp/reviews/?after=x").status_code == 200
    assert visit.get("/products/none/reviews/").status_code == 404


def test_the_mall_decides_and_the_shop_answers(shop, sale, client, bought):
    write(client, sale, bought)
    review = Review.objects.get()
    path = f"/admin/vendors/review/{review.pk}/change/"
    owner = owner_of(shop.vendors["amber"])
    page = flat(owner.get(path))
    assert 'name="answer"' in page
    assert 'name="state"' not in page
    owner.post(path, form_data(owner.get(path)) | {"state": "published", "why": "x", "answer": "We thank you."})
    review.refresh_from_db()
    assert (review.state, review.answer) == ("waiting", "We thank you.")
    assert owner.post(f"/admin/vendors/review/{review.pk}/delete/", {"post": "yes"}).status_code == 403
    boss = staff()
    data = form_data(boss.get(path))
    assert "answer" not in data
    assert "Say why it is not published" in flat(boss.post(path, data | {"state": "refused", "why": ""}))
    boss.post(path, form_data(boss.get(path)) | {"state": "published", "text": "Changed", "stars": "5"})
    review.refresh_from_db()
    assert (review.state, review.stars, review.text) == ("published", 4, TEXT)
    assert "Amber answers:" in product_page()
    stranger = owner_of(shop.vendors["basalt"])
    assert stranger.get(path).status_code == 302


def test_staff_publish_no_text_that_their_page_did_not_show(sale, client, bought):
    write(client, sale, bought)
    boss, path = staff(), f"/admin/vendors/review/{Review.objects.get().pk}/change/"
    data = form_data(boss.get(path)) | {"state": "published"}
    write(client, sale, bought, text="Quite another text.")
    assert "it changed while this page was open" in flat(boss.post(path, data))
    assert Review.objects.get().state == "waiting"


def test_staff_publish_many_but_for_those_written_anew(sale, client, bought):
    write(client, sale, bought)
    boss, path = staff(), "/admin/vendors/review/?state__exact=waiting"
    page = boss.get(path)
    action = form_data(page) | {"action": "publish_reviews", "_selected_action": Review.objects.get().pk}
    write(client, sale, bought, text="Quite another text.")
    assert "written anew meanwhile" in flat(boss.post(path, action, follow=True))
    assert Review.objects.get().state == "waiting"
    action = form_data(boss.get(path)) | {"action": "publish_reviews", "_selected_action": Review.objects.get().pk}
    boss.post(path, action)
    assert Review.objects.get().state == "published"
    assert "Reviews" in flat(boss.get("/admin/vendors/product/")), "in the menu"


def test_a_report_reaches_staff_and_hides_nothing(sale, client, bought):
    write(client, sale, bought)
    publish()
    review = Review.objects.get()
    path = f"/products/lamp/reviews/{review.pk}/report/"
    visitor = Client(headers={"host": f"{AMBER}:8000"})
    assert path in product_page()
    for _ in range(2):
        assert "staff will read it" in flat(visitor.post(path, {"why": "It is an\nadvertisement."}, follow=True))
    review.refresh_from_db()
    assert review.reports == 1
    assert "It shines" in product_page()
    boss = staff("support")
    assert "1 review reported" in words_of(boss.get("/admin/"))
    change = f"/admin/vendors/review/{review.pk}/change/"
    assert "It is an advertisement." in flat(boss.get(change))
    assert "advertisement" not in flat(owner_of(sale.consignment("amber").vendor).get(change))
    boss.post(change, form_data(boss.get(change)))
    review.refresh_from_db()
    assert (review.reports, ReviewReport.objects.count()) == (0, 0)


def test_reports_are_limited_and_need_words(sale, monkeypatch):
    monkeypatch.setattr(reviews, "REPORTS_A_DAY", 2)
    many(sale.variants["lamp"], 3)
    visitor = Client(headers={"host": f"{AMBER}:8000"})
    paths = [f"/products/lamp/reviews/{pk}/report/" for pk in Review.objects.values_list("pk", flat=True)]
    assert visitor.post(paths[0], {"why": ""}).status_code == 422
    answers = [visitor.post(path, {"why": "Spam"}) for path in paths]
    assert [answer.status_code for answer in answers] == [303, 303, 422]
    assert "You reported many reviews today" in flat(answers[-1])
    Review.objects.update(state="waiting")
    assert visitor.get(paths[0]).status_code == 404
    assert visitor.get(f"/products/lamp/reviews/{2**70}/report/").status_code == 404


def test_an_erased_buyer_leaves_no_name(sale, client, bought):
    write(client, sale, bought)
    buyers_erased.send(Order, orders=[sale.order.pk])
    assert Review.objects.get().name == ""
    assert Review.objects.get().text == TEXT


def test_the_account_takes_its_reviews_along(sale, client, bought):
    user = User.objects.create_user("anna@example.org", "secret")
    Order.objects.filter(pk=sale.order.pk).update(user=user)
    write(client, sale, bought)
    assert '"text": "It shines.' in export_account(user)


def test_no_review_of_a_draft_or_cancelled_line(sale, client, bought):
    for state in (Consignment.State.CANCELLED, Consignment.State.OPEN):
        Consignment.objects.update(state=state)
        assert client.get(address(sale, "review", bought.pk)).status_code == 404

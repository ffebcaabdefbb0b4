"""A vendor's owner adds, verifies, opens and removes the vendor's domains on one page, and touches nobody else's."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mall.accounts.models import User
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.name_server import SERVFAIL, ZONE
from sessions_farm.communities.verification import (
    MAX_FAILURES,
    PENDING_PERIOD,
    verification_record,
    verify_domain,
    verify_due_domains,
)
from tests.support.html import words_of
from tests.support.shop import MASTER, add_vendor, make_shop
from tests.support.two_vendors import make_staff
from vendors.domains import MAX_DOMAINS, MAX_PENDING, DomainRefusedError, add_domain
from vendors.models import Membership, Storefront, Vendor, VendorDomain

HOST = "new.example"
BUTTONS = ("add", "look", "open", "remove", "to-master")


@pytest.fixture(autouse=True)
def _zone(settings):
    settings.SESSIONS_FARM_COMMUNITIES = {
        **settings.SESSIONS_FARM_COMMUNITIES,
        "RESOLVER": "sessions_farm.communities.tests.support.name_server.MemoryResolver",
    }
    yield
    ZONE.clear()


class Owner:
    """A vendor's owner before the page: types, presses and reads."""

    def __init__(self, vendor, role="owner"):
        self.vendor = vendor
        self.client = Client(headers={"host": MASTER})
        self.client.force_login(make_staff(f"{vendor.slug}-{role}", vendor, role))

    @property
    def address(self):
        return reverse("admin:vendors_vendor_domains", args=[self.vendor.pk])

    def read(self):
        return said(self.client.get(self.address))

    def add(self, text):
        return said(self.client.post(self.address, {"button": "add", "host": text}, follow=True))

    def press(self, button, domain=None):
        return said(
            self.client.post(self.address, {"button": button, "domain": domain.pk if domain else ""}, follow=True)
        )

    def owned(self, host=HOST):
        return Domain.objects.get(host=host, pk__in=self.vendor.domains.values("domain"))


def said(response):
    """A page's text in one line, without its tags."""
    return re.sub(r"\s+([.,:;])", r"\1", words_of(response))


def buttons_of(owner, domain):
    card = owner.client.get(owner.address).text.partition(f'id="domain-{domain.pk}"')[2].partition("<section")[0]
    return re.findall(r'name="button"\s+value="([a-z-]+)"', card)


def set_record(*domains):
    name = verification_record(domains[0])[0]
    ZONE[name] = {"TXT": [verification_record(domain)[1] for domain in domains]}


def fetch(host):
    return Client().get("/", headers={"host": host})


def place_of(vendor):
    return Storefront.objects.get(vendor=vendor).host


@pytest.fixture
def shop(db, redis_client):
    yield make_shop()
    registry.forget()


@pytest.fixture
def amber(shop):
    return Owner(shop.vendors["amber"])


@pytest.fixture
def basalt(shop):
    return Owner(shop.vendors["basalt"])


def test_domain_goes_from_added_to_open_to_removed(basalt):
    assert "Set its record now" in basalt.add(f"https://{HOST.upper()}/")
    domain = basalt.owned()
    for word in (*verification_record(domain), "waiting for its record", "Not checked yet.", "every 5 minutes"):
        assert word in basalt.read()
    assert buttons_of(basalt, domain) == ["look", "remove"]
    assert "The TXT record is not there." in basalt.press("look", domain)
    assert "Not done" in basalt.press("open", domain)
    assert fetch(HOST).status_code == 421

    set_record(domain)
    assert f"The record of {HOST} is there. Now open the shop there." in basalt.press("look", domain)
    assert buttons_of(basalt, domain) == ["open", "remove"]
    assert f"The shop is at {HOST} from now on." in basalt.press("open", domain)
    assert (fetch(HOST).status_code, place_of(basalt.vendor)) == (200, HOST)
    assert fetch(MASTER).status_code == 200
    assert buttons_of(basalt, domain) == ["remove"]

    assert f"Removed {HOST}, which is served no more." in basalt.press("remove", domain)
    assert (fetch(HOST).status_code, place_of(basalt.vendor)) == (421, "")
    assert not Domain.objects.filter(host=HOST).exists()
    assert f"http://{MASTER}:8000/stores/basalt/" in basalt.read()


def test_record_is_found_by_the_periodic_look_too(basalt):
    basalt.add(HOST)
    set_record(basalt.owned())
    verify_due_domains(timezone.now())

    assert "yours, not open yet" in basalt.read()


def test_silent_dns_and_wrong_address_are_told_as_such(basalt, settings):
    basalt.add(HOST)
    domain = basalt.owned()
    ZONE[verification_record(domain)[0]] = SERVFAIL
    assert "The last check had no answer: the DNS does not answer" in basalt.press("look", domain)
    settings.SESSIONS_FARM_COMMUNITIES = {**settings.SESSIONS_FARM_COMMUNITIES, "ADDRESSES": ("192.0.2.7",)}
    set_record(domain)
    assert f"{HOST} has no address; let it lead to 192.0.2.7." in basalt.press("look", domain)
    ZONE[HOST] = {"A": ["203.0.113.9"]}
    assert f"{HOST} leads to 203.0.113.9, which is not ours." in basalt.press("look", domain)
    assert domain.status == "pending"


REFUSED = {
    "": "Type the name that you have registered",
    "a b": "is no host name",
    "192.0.2.7": "is an IP address",
    "[2001:db8::7]": "is an IP address",
    "*.new.example": "is every name below new.example. A shop has one",
    "co.uk": "co.uk is nobody’s",
    "localhost": "localhost is nobody’s",
    MASTER: f"{MASTER} is the mall’s own name",
    f"shop.{MASTER}": "is the mall’s own name",
    "x.tea.shops.test": "is one of the mall’s own names, *.shops.test",
    "shops.test": "is one of the mall’s own names, *.shops.test",
    "amber.localhost": "The mall’s staff gave amber.localhost its place",
    "blog.test": "The mall’s staff gave blog.test its place",
    "bad.test": "The mall’s staff have stopped bad.test",
}


def test_name_that_cannot_be_is_refused_in_words(shop, basalt):
    community = shop.community
    Domain.objects.create(community=community, host="shops.test", kind="wildcard", status="active")
    external = {"kind": "external", "redirect_uris": "https://blog.test/in", "status": "active"}
    Domain.objects.create(community=community, host="blog.test", **external)
    Domain.objects.create(community=community, host="bad.test", status="suspended")
    before = Domain.objects.count()
    answers = {text: basalt.add(text) for text in REFUSED}

    assert [text for text, words in REFUSED.items() if words not in answers[text]] == []
    assert all("Where the shop is now" in page for page in answers.values())
    assert Domain.objects.count() == before


def test_name_that_another_has_may_wait_and_its_record_decides(amber, basalt):
    amber.add(HOST)
    assert HOST in basalt.add(HOST)
    first, second = amber.owned(), basalt.owned()
    assert verification_record(first)[1] != verification_record(second)[1]
    set_record(first)
    amber.press("look", first)
    amber.press("open", first)
    assert "Another shop has new.example now." in basalt.read()

    set_record(first, second)
    assert f"take that out: {verification_record(first)[1]}" in basalt.press("look", second)
    assert place_of(amber.vendor) == HOST
    set_record(second)
    assert "Now open the shop there." in basalt.press("look", second)
    basalt.press("open", second)
    assert fetch(HOST).wsgi_request.storefront.name == "Basalt"
    assert "which is not served now. Its visitors find it in the mall meanwhile." in amber.read()
    assert f"http://{MASTER}:8000/stores/amber/" in amber.read()


def test_lapsed_domain_is_put_back_by_its_owner(basalt):
    basalt.add(HOST)
    domain = basalt.owned()
    set_record(domain)
    basalt.press("look", domain)
    basalt.press("open", domain)
    ZONE.clear()
    verify_domain(domain=domain, now=timezone.now())
    assert "If 3 looks in a row miss the record, the shop is no longer served here; 1 did." in basalt.read()
    for _ in range(MAX_FAILURES - 1):
        verify_domain(domain=domain, now=timezone.now())
    assert fetch(HOST).status_code == 421

    set_record(domain)
    basalt.press("look", domain)
    assert buttons_of(basalt, domain) == ["open", "remove"]
    basalt.press("open", domain)
    assert fetch(HOST).status_code == 200


def test_open_claims_and_domains_of_a_vendor_are_limited(shop, basalt, amber):
    for number in range(MAX_PENDING):
        add_domain(vendor=basalt.vendor, text=f"n{number}.example")
    assert "domains wait for their records" in basalt.add(HOST)
    assert "is on this page already" in basalt.add("n1.example")
    assert "Set its record now" in amber.add(HOST)  # another vendor's limit is its own
    Domain.objects.filter(host__endswith=".example").update(status="active")
    for number in range(MAX_DOMAINS - MAX_PENDING):
        Domain.objects.update(status="active")
        add_domain(vendor=basalt.vendor, text=f"m{number}.example")
    Domain.objects.update(status="active")
    assert f"A shop may have {MAX_DOMAINS} domains" in basalt.add("last.example")
    assert basalt.vendor.domains.count() == MAX_DOMAINS


def test_additions_at_once_keep_to_the_limit(transactional_db, redis_client):
    vendor = make_shop().vendors["basalt"]
    together = threading.Barrier(MAX_PENDING + 3)

    def add(number):
        connection.ensure_connection()
        together.wait(30)
        try:
            add_domain(vendor=vendor, text=f"n{number}.example")
        except DomainRefusedError:
            return 0
        finally:
            connection.close()
        return 1

    with ThreadPoolExecutor(together.parties) as pool:
        assert sum(pool.map(add, range(together.parties))) == MAX_PENDING


def test_owner_touches_no_other_vendors_domain(amber, basalt):
    amber.add(HOST)
    domain = amber.owned()
    set_record(domain)
    for button in BUTTONS:
        posted = {"button": button, "domain": domain.pk, "host": "x.example"}
        theirs = basalt.client.post(amber.address, posted)
        own_page = basalt.client.post(basalt.address, posted | {"host": HOST})
        assert theirs.status_code == 404
        assert own_page.status_code == (302 if button in {"add", "to-master"} else 404)
    assert basalt.client.get(amber.address).status_code == 404
    assert "amber" not in basalt.read().lower().replace("amber.localhost", "")
    domain.refresh_from_db()
    assert (domain.status, domain.checked_at) == ("pending", None)
    assert VendorDomain.objects.filter(vendor=amber.vendor).count() == 1


def test_page_is_for_owners(shop):
    for role in set(Membership.Role.values) - {"owner"}:
        hand = Owner(shop.vendors["amber"], role)
        assert hand.client.get(hand.address).status_code == 403
        assert hand.client.post(hand.address, {"button": "add", "host": HOST}).status_code == 403
        assert "The shop’s address" not in said(hand.client.get("/admin/"))


def test_what_the_mall_stopped_stays_stopped(amber):
    amber.add(HOST)
    domain = amber.owned()
    Domain.objects.filter(pk=domain.pk).update(status="suspended", fault="It sold stolen goods.")
    set_record(domain)
    assert "It sold stolen goods." in amber.read()
    assert buttons_of(amber, domain) == []
    for button in ("open", "remove"):
        assert "The mall’s staff have stopped new.example" in amber.press(button, domain)
    amber.press("look", domain)
    assert "is on this page already" in amber.add(HOST)
    domain.refresh_from_db()
    assert domain.status == "suspended"


def test_closed_shop_opens_nowhere(amber):
    amber.add(HOST)
    domain = amber.owned()
    set_record(domain)
    amber.press("look", domain)
    Vendor.objects.filter(pk=amber.vendor.pk).update(status="suspended")
    assert "The mall’s staff have closed Amber" in amber.press("open", domain)
    assert "closed by the mall" in amber.read()


def test_domain_that_the_mall_needs_is_not_removed(shop, amber):
    amber.add(HOST)
    domain = amber.owned()
    Domain.objects.filter(pk=domain.pk).update(status="active")
    Community.objects.filter(pk=shop.community.pk).update(next_master=domain)
    assert "The mall itself needs new.example" in amber.press("remove", domain)
    Community.objects.filter(pk=shop.community.pk).update(next_master=None)
    add_vendor(shop, "cobalt")
    Storefront.objects.filter(vendor=shop.vendors["cobalt"]).update(domain=domain)
    for button in ("open", "remove"):
        assert "Another shop is at new.example" in amber.press(button, domain)
    assert place_of(amber.vendor) == "amber.localhost"
    assert Domain.objects.filter(host=HOST).exists()


def test_shop_moves_back_into_the_mall(amber):
    assert "The shop is in the mall again" in amber.press("to-master")
    assert place_of(amber.vendor) == ""


def test_domain_served_without_the_shop_is_told_to_its_owner(shop, amber):
    amber.add(HOST)
    Domain.objects.filter(host=HOST).update(status="active")
    page = amber.read()
    assert "served, without a shop" in page
    assert "No shop is set up there: its visitors read that" in page
    assert buttons_of(amber, amber.owned()) == ["open", "remove"]


def test_long_waiting_domain_says_that_nobody_looks(amber):
    amber.add(HOST)
    Domain.objects.filter(host=HOST).update(pending_since=timezone.now() - PENDING_PERIOD * 1.1)
    assert "The mall has looked for 30 days and looks no more by itself." in amber.read()


def test_there_is_a_way_to_the_page_and_back(amber):
    front = amber.client.get("/admin/").text
    profile = reverse("admin:vendors_vendor_change", args=[amber.vendor.pk])
    assert f'href="{profile}"' in front
    assert f'href="{amber.address}"' in amber.client.get(profile).text
    assert f'href="{profile}"' in amber.client.get(amber.address).text
    history = said(amber.client.get(reverse("admin:vendors_vendor_history", args=[amber.vendor.pk])))
    assert "Added" not in history
    amber.add(HOST)
    assert "Added new.example." in said(
        amber.client.get(reverse("admin:vendors_vendor_history", args=[amber.vendor.pk]))
    )


def test_staff_of_the_mall_see_whose_domain_is_whose_and_in_what_state(shop, amber):
    amber.add(HOST)
    Domain.objects.create(community=shop.community, host="idle.example", status="active")
    boss = Client(headers={"host": MASTER})
    boss.force_login(User.objects.create_superuser("boss@example.org"))
    listed = said(boss.get(reverse("admin:vendors_vendordomain_changelist")))
    assert "new.example waiting for verification: not checked yet. Amber" in listed
    domains = said(boss.get(reverse("admin:communities_domain_changelist")))
    assert domains.count("No page uses it yet, and its visitors are told so.") == 1
    assert boss.get(amber.address).status_code == 200

"""The staff's page without JavaScript, presence, and the command that prints."""

from datetime import timedelta

import pytest
from django.test import Client as StockClient
from django.utils import timezone

from sessions_farm.testing.browser import BrowserClient
from support_watch.feed import writes
from support_watch.feed.writes import Page
from support_watch.models import SupportVisit
from support_watch.presence import Presence
from vendors.models import Vendor

PATH = "/watch/fowlers/"


def arrive(vendor, visit, tab="t"):
    return writes.arrive(
        vendor_id=vendor.pk, visit=visit, tab=tab, aliases=[f"alias-{visit}"], page=Page("/support/", "support")
    )


def keep(vendor, visit, minutes_ago, **fields):
    arrived = timezone.now() - timedelta(minutes=minutes_ago)
    return SupportVisit.objects.create(
        vendor=vendor, visit=visit, subject="s", page="support", path="/support/", arrived_at=arrived, **fields
    )


def test_only_the_vendors_own_people_see_the_page(signed_in, place):
    seen = {name: signed_in(name).get(PATH).status_code for name in place.people}

    assert seen == {"owner": 200, "support": 200, "chief": 200, "packer": 404, "rival": 404, "nobody": 404}
    assert signed_in("chief").get("/watch/nowhere/").status_code == 404


def test_the_signed_out_are_sent_to_sign_in(place):
    response = StockClient(headers={"host": "mall.localhost:8000"}).get(PATH)

    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={PATH}"


def test_the_page_is_not_on_a_vendors_host(signed_in):
    assert signed_in("owner").get(PATH, headers={"host": "fowlers.localhost:8000"}).status_code == 404


@pytest.mark.usefixtures("midday")
def test_the_page_lists_who_is_here_and_who_was_without_a_script(signed_in, place):
    arrive(place.vendor, "aaaa1")
    arrive(place.other, "zzzz9")
    keep(place.vendor, "aaaa1", 0)
    keep(place.vendor, "bbbb2", 1, left_at=timezone.now())
    keep(place.vendor, "cccc3", 0, published=False)
    keep(place.vendor, "dddd4", 60 * 24 * 2)
    keep(place.other, "zzzz9", 0)
    page = signed_in("support").get(PATH).content.decode()
    here, _, today = page.partition('id="history"')

    assert "Visitor aaaa" in here
    assert "Visitor bbbb" not in here
    for name in ("aaaa", "bbbb", "cccc"):
        assert f"Visitor {name}" in today
    assert "is here" in today
    assert "not told yet" in today
    assert "Visitor zzzz" not in page
    assert "Visitor dddd" not in page


def test_no_session_id_stands_on_either_page(signed_in, place):
    browser = BrowserClient()
    support = browser.get("http://fowlers.localhost:8000/support/").content.decode()
    staff = signed_in("owner").get(PATH).content.decode()
    ids = [value.split(".")[0] for value in browser.jar("fowlers.localhost").values() if value.count(".") == 2]

    assert "Visitor " in staff
    assert ids
    assert not [id_ for id_ in ids if id_ in staff or id_ in support]


@pytest.mark.usefixtures("midday")
def test_the_history_part_is_a_part(signed_in, place):
    keep(place.vendor, "bbbb2", 1)
    part = signed_in("owner").get(f"{PATH}?part=history").content.decode()

    assert "Visitor bbbb" in part
    assert "<html" not in part


def test_own_staff_on_their_support_page_do_not_count(signed_in, place, events_of):
    browser = BrowserClient()
    browser.get("http://mall.localhost:8000/accounts/login/")
    browser.post(browser.url, {"login": "support@example.org", "password": "mall-demo"})
    assert browser.get("http://fowlers.localhost:8000/support/").status_code == 200
    assert events_of(place.vendor.pk) == []
    browser.get("http://mall.localhost:8000/stores/quill/support/")  # not their own

    assert len(events_of(place.other.pk)) == 1


def test_presence_counts_lists_and_gives_values(place):
    presence = Presence(place.vendor)
    assert (presence.session_count(), presence.session_list()) == (0, [])
    arrive(place.vendor, "first")
    arrive(place.vendor, "later")

    assert presence.session_count() == 2
    assert set(presence.session_list()) == {"first", "later"}
    assert presence.value("path", "first") == "/support/"
    assert presence.value("name", "first") == "Visitor firs"
    assert presence.value("path", "nobody") == ""
    assert presence.value("state", "first") == "active"
    with pytest.raises(KeyError, match="is not shared"):
        presence.value("_auth_user_id", "first")
    assert Presence(Vendor(pk=place.other.pk)).session_count() == 0

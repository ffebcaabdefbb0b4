"""The support page in the whole stack: who counts as a visitor, and that it is served whatever Redis does."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_farm.testing.browser import BrowserClient, Step
from support_watch import limits, services, visits
from support_watch.feed import connections, writes
from support_watch.feed.connections import query_client
from support_watch.feed.scripts import root_key
from support_watch.models import SupportVisit
from support_watch.presence import Presence
from tests.integration.support_watch.conftest import silent_redis
from tests.support.tampered import tampered

OWN = "http://fowlers.localhost:8000/support/"
ON_MASTER = "http://mall.localhost:8000/stores/quill/support/"
TOKEN = re.compile(r'data-watch-token="([^"]+)"')


def token_on(response):
    found = TOKEN.search(response.content.decode())
    return found[1] if found else None


def post_to(browser, word, token, number=1, **headers):
    """Send as the page's script does: ``word`` is beat or leave, ``number`` counts the page's beacons."""
    headers = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"} | headers
    step = Step(
        "POST",
        f"{browser.url.partition('/stores/')[0].partition('/support/')[0]}/watching/{word}/",
        browser.url,
        "same-origin",
        {"token": token, "number": number},
    )
    return browser.request(step, headers)


@pytest.fixture
def arrivals(events_of, place):
    """The visits announced to the staff of the vendor with a host of its own."""
    return lambda vendor=None: [
        event["visit"] for event in events_of((vendor or place.vendor).pk) if event["type"] == "arrive"
    ]


def test_opening_the_page_is_announced_once_a_session(place, arrivals):
    browser = BrowserClient()
    for _ in range(3):
        assert browser.get(OWN).status_code == 200
    (visit,) = arrivals()
    row = SupportVisit.objects.get()

    assert (row.visit, row.vendor, row.published) == (visit, place.vendor, True)
    assert f"Visitor {visit[:4]}" in browser.response.content.decode()
    assert Presence(place.vendor).session_list() == [visit]


def test_two_shoppers_are_two_visits(arrivals):
    for _ in range(2):
        BrowserClient().get(OWN)

    assert len(set(arrivals())) == 2


def test_the_page_says_what_staff_see_and_how_to_write(place):
    page = BrowserClient().get(OWN).content.decode()

    assert "<strong>nine and five</strong>" in page
    assert "mailto:help@fowlers.example" in page
    assert "What the shop sees" in page


def test_a_shopper_whose_first_page_is_this_counts_when_the_script_beats(place, arrivals):
    browser = BrowserClient()
    page = browser.get(ON_MASTER)
    assert arrivals(place.other) == []
    answer = post_to(browser, "beat", token_on(page))

    assert answer.status_code == 200
    assert len(arrivals(place.other)) == 1
    assert post_to(browser, "beat", answer.json()["token"]).status_code == 204
    assert len(arrivals(place.other)) == 1


def test_without_cookies_nobody_is_counted(place, arrivals):
    browser = BrowserClient(cookies=False)
    for _ in range(2):
        page = browser.get(ON_MASTER)
        assert page.status_code == 200
        assert post_to(browser, "beat", token_on(page)).status_code == 204

    assert arrivals(place.other) == []


MACHINES_AND_READING_AHEAD = (
    {"Sec-Purpose": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Purpose": "prefetch"},
    {"X-Moz": "prefetch"},
    {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
    {"User-Agent": "curl/8.5.0"},
    {"User-Agent": None},
)


def test_machines_and_reading_ahead_do_not_count(place, arrivals):
    for headers in MACHINES_AND_READING_AHEAD:
        browser = BrowserClient()
        browser.get("http://fowlers.localhost:8000/")  # it has a cookie
        assert browser.get(OWN, **headers).status_code == 200
        assert arrivals() == [], headers

    assert not SupportVisit.objects.exists()
    browser.get(OWN)  # the control: the same browser as a shopper
    assert len(arrivals()) == 1


def test_a_telephone_that_is_named_like_a_robot_counts(place, arrivals):
    browser = BrowserClient(headers={"User-Agent": "Mozilla/5.0 (Linux; Android 10; CUBOT P40) Chrome/130.0 Mobile"})
    browser.get("http://fowlers.localhost:8000/")
    browser.get(OWN)
    assert len(arrivals()) == 1


def test_a_page_read_ahead_counts_once_it_is_looked_at(place, arrivals):
    browser = BrowserClient()
    browser.get("http://fowlers.localhost:8000/")
    page = browser.get(OWN, **{"Sec-Purpose": "prefetch"})
    post_to(browser, "beat", token_on(page))

    assert len(arrivals()) == 1


def test_head_does_not_count(place, arrivals):
    browser = BrowserClient()
    browser.get("http://fowlers.localhost:8000/")
    assert browser.request(Step("HEAD", OWN, "", "none")).status_code == 200

    assert arrivals() == []


def test_a_beat_of_another_page_or_with_another_token_is_refused(place, arrivals):
    browser = BrowserClient()
    token = token_on(browser.get(OWN))
    foreign = visits.PageToken(
        place.other.pk, "v" * 26, "t", 0, "support", "/", "help page", counted=True, has_notice=True
    ).signed()

    assert post_to(browser, "beat", token).status_code == 204
    assert post_to(browser, "beat", token, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert post_to(browser, "beat", token, **{"Sec-Fetch-Site": "same-site"}).status_code == 403
    assert (
        post_to(browser, "beat", token, **{"Sec-Fetch-Site": None, "Origin": "http://evil.example"}).status_code == 403
    )
    assert post_to(browser, "beat", token, **{"Sec-Fetch-Site": None}).status_code == 403
    assert (
        post_to(
            browser, "beat", token, **{"Sec-Fetch-Site": None, "Origin": "http://fowlers.localhost:8000"}
        ).status_code
        == 204
    )
    assert post_to(browser, "beat", foreign).status_code == 403
    assert post_to(browser, "leave", tampered(token)).status_code == 403


@pytest.fixture
def long_grace(monkeypatch):
    """Whoever has left is still here for a while, on a busy machine too."""
    monkeypatch.setattr(limits, "GRACE_MS", 30_000)


def test_leaving_ends_the_presence_within_the_grace(place, long_grace):
    browser = BrowserClient()
    token = token_on(browser.get(OWN))
    assert post_to(browser, "leave", token).status_code == 204
    assert Presence(place.vendor).session_count() == 1
    now = Presence(place.vendor).snapshot().now

    assert presence_ends(place) - now <= limits.GRACE_MS


def test_a_beat_that_its_page_s_departure_overtook_does_not_bring_it_back(place, long_grace):
    """The two travel over two connections, to two nodes even: the control is a beat that was sent later."""
    browser = BrowserClient()
    token = token_on(browser.get(OWN))
    post_to(browser, "leave", token, number=2)
    assert post_to(browser, "beat", token, number=1).status_code == 204
    now = Presence(place.vendor).snapshot().now

    assert presence_ends(place) - now <= limits.GRACE_MS
    post_to(browser, "beat", token, number=3)  # back from the browser's cache
    post_to(browser, "leave", token, number=2)
    assert presence_ends(place) - now > limits.GRACE_MS


def test_a_page_that_closes_before_it_knows_its_visit_leaves(place, long_grace):
    for beacons in ([("beat", 1), ("leave", 2)], [("leave", 2), ("beat", 1)]):
        browser = BrowserClient()
        browser.get("http://fowlers.localhost:8000/")
        token = token_on(browser.get(OWN, **{"Sec-Purpose": "prefetch"}))
        for word, number in beacons:
            post_to(browser, word, token, number=number)
    now = Presence(place.vendor).snapshot().now

    assert Presence(place.vendor).session_count() == 2
    assert all(until - now <= limits.GRACE_MS for until in presence_ends_of_all(place))


def test_a_redis_that_is_slow_for_a_page_is_not_too_slow_for_its_departure(place, raw, settings):
    """A departure is said once: the page's own time-out would lose it, and its open circuit breaker all others'."""
    browser = BrowserClient()
    token = token_on(browser.get(OWN))
    settings.SUPPORT_WATCH_WRITE_TIMEOUT = limits.WRITE_TIMEOUT
    connections.page_client.cache_clear()
    writes.PAGES.breaker.record_failure()
    raw.execute_command("CLIENT", "PAUSE", str(int(limits.WRITE_TIMEOUT * 4000)), "ALL")

    assert post_to(browser, "leave", token).status_code == 204
    assert presence_ends(place) - Presence(place.vendor).snapshot().now <= limits.GRACE_MS


def test_a_beacon_without_a_number_is_refused(place):
    browser = BrowserClient()
    token = token_on(browser.get(OWN))
    for number in ("", "0", "-1", "many", str(2**31)):
        assert post_to(browser, "leave", token, number=number).status_code == 403, number


def presence_ends(place):
    (until,) = presence_ends_of_all(place)
    return until


def presence_ends_of_all(place):
    with query_client() as client:
        present = client.zrange(f"{root_key(place.vendor.pk)}:present", 0, -1, withscores=True)
    return [until for _, until in present]


def test_with_redis_silent_the_page_is_served_and_the_visit_delivered_later(place, arrivals, raw, settings, events_of):
    """Everything of ours that the page needs from Redis is one call of at most WRITE_TIMEOUT."""
    browser = BrowserClient()
    browser.get("http://fowlers.localhost:8000/")
    patience, settings.SUPPORT_WATCH_WRITE_TIMEOUT = settings.SUPPORT_WATCH_WRITE_TIMEOUT, limits.WRITE_TIMEOUT
    connections.page_client.cache_clear()
    settings.SESSIONS_FARM = settings.SESSIONS_FARM | {"REDIS_TIMEOUT": 0.1}
    with silent_redis(raw):  # sessions and the cache meet it too, each within its own bound
        assert browser.get(OWN).status_code == 200
        row = SupportVisit.objects.get()
        assert not row.published

    settings.SUPPORT_WATCH_WRITE_TIMEOUT = patience
    connections.page_client.cache_clear()
    writes.PAGES.breaker.record_success()
    assert services.relay_pending(now=timezone.now()) == 1
    assert services.relay_pending(now=timezone.now()) == 0
    row.refresh_from_db()
    (event,) = events_of(place.vendor.pk)

    assert (event["visit"], event["type"], event["late"]) == (row.visit, "arrive", True)
    assert (row.published, row.late) == (True, True)
    browser.get(OWN)
    assert len(arrivals()) == 1


def test_old_visits_are_deleted(place):
    now = timezone.now()
    for days in (1, 29, 31):
        SupportVisit.objects.create(
            vendor=place.vendor,
            visit=f"v{days}",
            subject="s",
            page="support",
            path="/support/",
            arrived_at=now - timedelta(days=days),
        )

    assert services.delete_old(now=now) == 1
    assert SupportVisit.objects.count() == 2


def test_with_redis_refusing_the_page_is_served_and_the_visit_kept_once(place, arrivals, settings, monkeypatch):
    monkeypatch.setattr(limits, "IDLE_MS", 10**13)  # no half hour, after which it were another visit, ends meanwhile
    browser = BrowserClient()
    browser.get("http://fowlers.localhost:8000/")
    own, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    connections.page_client.cache_clear()
    for _ in range(2):
        assert browser.get(OWN).status_code == 200
    (row,) = SupportVisit.objects.all()
    assert not row.published

    settings.REDIS_URL = own
    connections.page_client.cache_clear()
    writes.PAGES.breaker.record_success()
    browser.get(OWN)  # before it is relayed
    services.relay_pending(now=timezone.now())
    row.refresh_from_db()

    assert len(arrivals()) == 1
    assert row.published

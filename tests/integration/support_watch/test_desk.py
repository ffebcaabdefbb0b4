"""The desk: one winner of a claim, what each screen and the shopper are told, history, settings and keys."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django import db
from django.test import Client
from django.utils import timezone

from sessions_farm.testing.browser import BrowserClient
from support_watch import claims, history, limits, services
from support_watch.feed import connections, writes
from support_watch.models import Claim, DeskKey, DeskSettings, SupportVisit
from support_watch.presence import Presence
from vendors.models import Membership

PATH = "/watch/fowlers/"
HELP = "http://fowlers.localhost:8000/support/"
JSON = {"accept": "application/json"}


@pytest.fixture
def visit(place):
    """A shopper on the help page."""
    BrowserClient().get(HELP)
    return SupportVisit.objects.get()


def keep(vendor, visit, minutes_ago=0, **fields):
    arrived = timezone.now() - timedelta(minutes=minutes_ago)
    defaults = {"subject": "s", "page": "support", "path": "/support/", "arrived_at": arrived}
    return SupportVisit.objects.create(vendor=vendor, visit=visit, **defaults | fields)


def test_two_claim_at_once_and_one_wins_each_time(place, scale):
    """Each pair goes over connections of its own, as two nodes would."""
    rounds, start = 10 * scale, Barrier(2)
    rows = [keep(place.vendor, f"v{number}") for number in range(rounds)]

    def take(name):
        outcomes = []
        for row in rows:
            start.wait(30)
            now = timezone.now()
            holding = claims.claim_visit(
                vendor_id=place.vendor.pk, visit=row.visit, user=place.people[name], note="", now=now
            )
            outcomes.append(holding.by_id)
        db.connections.close_all()
        return outcomes

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(take, ["owner", "support"]))

    assert both[0] == both[1]  # the loser was told who won
    assert Claim.objects.open().count() == rounds == Claim.objects.count()


def test_claim_is_shown_everywhere_and_second_is_told_who_was_first(place, signed_in, visit, events_of):
    owner, support = signed_in("owner"), signed_in("support")
    taken = owner.post(f"{PATH}claim/", {"visit": visit.visit, "note": "asks about oars"}, headers=JSON)
    late = support.post(f"{PATH}claim/", {"visit": visit.visit}, headers=JSON)
    assert (taken.status_code, late.status_code) == (200, 409)
    assert "owner@example.org was first" in late.json()["words"]
    event = events_of(place.vendor.pk)[-1]
    assert (event["type"], event["by"], event["note"]) == ("claim", "owner@example.org", "asks about oars")
    assert "asks about oars" in support.get(PATH).content.decode()

    assert support.post(f"{PATH}release/", {"visit": visit.visit}, headers=JSON).status_code == 409
    assert owner.post(f"{PATH}release/", {"visit": visit.visit}).status_code == 302  # a form without a script
    assert events_of(place.vendor.pk)[-1]["type"] == "release"
    assert "free for others" in owner.get(PATH).content.decode()
    assert support.post(f"{PATH}claim/", {"visit": visit.visit}, headers=JSON).status_code == 200


def test_claim_is_refused_to_others_and_for_others_visits(place, signed_in, visit):
    theirs = keep(place.other, "theirs")
    answers = {
        name: signed_in(name).post(f"{PATH}claim/", {"visit": visit.visit}, headers=JSON).status_code
        for name in ("packer", "rival", "nobody")
    }
    assert answers == dict.fromkeys(answers, 404)
    owner = signed_in("owner")
    assert owner.post(f"{PATH}claim/", {"visit": theirs.visit}, headers=JSON).status_code == 404
    assert owner.post(f"{PATH}claim/", {"visit": visit.visit, "note": "x" * 201}, headers=JSON).status_code == 422
    csrf = Client(enforce_csrf_checks=True, headers={"host": "mall.localhost:8000"})
    csrf.force_login(place.people["owner"])
    assert csrf.post(f"{PATH}claim/", {"visit": visit.visit}).status_code in {400, 403}
    assert not Claim.objects.exists()


def test_claim_ends_with_the_visit_and_with_its_holders_screens(place, visit, events_of):
    now = timezone.now()
    take = {"vendor_id": place.vendor.pk, "visit": visit.visit, "user": place.people["owner"], "note": ""}
    claims.claim_visit(**take, now=now)
    claims.renew(user_id=place.people["owner"].pk, now=now + timedelta(seconds=50))
    later = now + timedelta(seconds=limits.CLAIM_SECONDS + 1)
    assert claims.end_unseen(now=later) == 0  # a screen was open meanwhile
    assert claims.end_unseen(now=later + timedelta(seconds=50)) == 1
    assert claims.relay_claims(now=later) == 1
    assert events_of(place.vendor.pk)[-1]["type"] == "release"

    claims.claim_visit(**take, now=now)
    services.record_departures(vendor_id=place.vendor.pk, left={visit.visit: now})
    assert not Claim.objects.open().exists()


def test_claim_while_redis_is_away_holds_and_is_told_later(place, visit, events_of, settings):
    own, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    connections.beacon_client.cache_clear()
    holding = claims.claim_visit(
        vendor_id=place.vendor.pk, visit=visit.visit, user=place.people["owner"], note="", now=timezone.now()
    )
    assert holding.by == place.people["owner"]
    settings.REDIS_URL = own
    connections.beacon_client.cache_clear()
    writes.BEACONS.breaker.record_success()
    assert events_of(place.vendor.pk)[-1]["type"] == "arrive"
    assert claims.relay_claims(now=timezone.now() + timedelta(seconds=2)) == 1
    assert claims.relay_claims(now=timezone.now() + timedelta(seconds=2)) == 0

    assert events_of(place.vendor.pk)[-1]["type"] == "claim"


@pytest.mark.parametrize("greets", [True, False])
def test_shopper_is_told_in_one_line_where_the_shop_wants_it(place, signed_in, greets):
    DeskSettings.objects.create(vendor=place.vendor, greets=greets)
    shopper = BrowserClient()
    shopper.get(HELP)
    visit = SupportVisit.objects.get()
    signed_in("owner").post(f"{PATH}claim/", {"visit": visit.visit}, headers=JSON)
    shopper.get(HELP)

    assert ("Somebody from Fowler’s is here for you." in shopper.response.content.decode()) == greets


def test_list_is_filtered_without_a_script_by_words_state_and_claim(place, signed_in):
    for number, title in enumerate(["oars", "sails"]):
        writes.arrive(
            vendor_id=place.vendor.pk,
            visit=f"v{title}",
            tab="t",
            aliases=[title],
            page=writes.Page(f"/products/{title}/", title),
        )
        keep(place.vendor, f"v{title}", number)
    claims.claim_visit(
        vendor_id=place.vendor.pk, visit="voars", user=place.people["owner"], note="", now=timezone.now()
    )
    writes.beat(writes.Beacon(place.vendor.pk, "vsails", "t", 1, "away"), at=0, page=writes.Page("", ""))
    owner = signed_in("owner")

    def shown(query):
        body = owner.get(f"{PATH}?{query}").content.decode().partition('id="present"')[2].partition("</tbody>")[0]
        return {visit for visit in ("voars", "vsails") if f'data-visit="{visit}"' in body}

    assert shown("") == {"voars", "vsails"}
    assert shown("q=OARS") == {"voars"}
    assert shown("show=free") == {"vsails"}
    assert shown("show=idle") == {"vsails"}
    assert shown("show=active") == {"voars"}
    assert "Nobody whom this search finds" in owner.get(f"{PATH}?q=nothing").content.decode()


def test_history_searches_charts_pages_and_exports(place, signed_in, settings):
    settings.TIME_ZONE = "UTC"
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)
    for number in range(130):
        keep(place.vendor, f"{number:03}v", arrived_at=noon - timedelta(minutes=number), path="=cmd|calc")
    keep(place.vendor, "hidden", arrived_at=noon, level=0, page="", path="")
    keep(place.other, "zzzz", arrived_at=noon)
    taken = SupportVisit.objects.get(visit="007v")
    Claim.objects.create(visit=taken, by_name="Nora", note="oars", claimed_at=noon, seen_at=noon, released_at=noon)
    owner, day = signed_in("owner"), f"day={noon:%Y-%m-%d}"
    first = owner.get(f"{PATH}history/?{day}").content.decode()
    day_of = history.page_of(vendor_id=place.vendor.pk, begin=history.day_of(noon.date(), noon)[0], now=noon)
    second = owner.get(f"{PATH}history/?{day}&before={day_of.more}").content.decode()
    found = owner.get(f"{PATH}history/?{day}&q=oars").content.decode()

    assert first.count('scope="row"') == history.ROWS
    assert second.count('scope="row"') == 31
    assert "Visitor zzzz" not in first + second
    assert found.count('scope="row"') == 1
    assert "Nora" in found
    assert "oars" in found.partition("<tbody>")[2]
    assert "No visit of this day is found" in owner.get(f"{PATH}history/?{day}&q=nothing").content.decode()
    bars = history.chart(vendor_id=place.vendor.pk, begin=history.day_of(noon.date(), noon)[0], now=noon)
    assert sum(bar.count for bar in bars) == 131

    answer = owner.get(f"{PATH}history.csv?{day}")
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert len(rows) == 132
    assert {row[1] for row in rows[1:]} == {"'=cmd|calc", ""}
    assert ["A visitor", ""] in [row[:2] for row in rows]
    assert signed_in("rival").get(f"{PATH}history.csv?{day}").status_code == 404


def test_history_costs_the_same_however_much_there_is(place, signed_in, scale, django_assert_max_num_queries):
    now = timezone.now()
    SupportVisit.objects.bulk_create(
        [
            SupportVisit(
                vendor=place.vendor,
                visit=f"b{number}",
                subject="s",
                path="/",
                arrived_at=now - timedelta(seconds=number),
            )
            for number in range(500 * scale)
        ],
        batch_size=5000,
    )
    owner = signed_in("owner")
    owner.get(PATH)
    for path in (PATH, f"{PATH}history/", f"{PATH}history/?q=b1"):
        with django_assert_max_num_queries(12):
            assert owner.get(path).status_code == 200


def test_owner_chooses_pages_and_makes_a_key_that_is_shown_once(place, signed_in):
    owner = signed_in("owner")
    assert signed_in("support").get(f"{PATH}settings/").status_code == 404
    assert "Settings and keys" in owner.get(PATH).content.decode()
    assert "Settings and keys" not in signed_in("support").get(PATH).content.decode()
    owner.post(f"{PATH}settings/save/", {"pages": ["support", "product"], "greets": "on"})
    chosen = DeskSettings.objects.get()
    assert (chosen.pages, chosen.greets) == (["support", "product"], True)
    assert owner.post(f"{PATH}settings/save/", {"pages": ["admin"]}).status_code == 422
    assert owner.post(f"{PATH}keys/", {"name": ""}).status_code == 422

    made = owner.post(f"{PATH}keys/", {"name": "till", "scopes": ["sessions"]}).content.decode()
    text = made.partition('watch__key">')[2].partition("<")[0]
    assert text.startswith("desk_")
    assert text not in owner.get(f"{PATH}settings/").content.decode()
    key = DeskKey.objects.get()
    assert signed_in("rival").post("/watch/quill/keys/revoke/", {"key": key.pk}).status_code == 302
    assert ask(text).status_code == 200  # another vendor's owner revokes nothing
    owner.post(f"{PATH}keys/revoke/", {"key": key.pk})
    assert ask(text).status_code == 401


def ask(key, path="/watch/v1/fowlers/sessions", host="mall.localhost:8000"):
    return Client(headers={"host": host, "authorization": f"Bearer {key}"}).get(path)


def test_program_reads_count_list_and_values_by_its_key(place, make_key, visit, monkeypatch):
    _, text = make_key(scopes=["sessions"])
    _, events_only = make_key(scopes=["events"])
    _, of_other = make_key(place.other, scopes=["sessions"])
    answer = ask(text, "/watch/v1/fowlers/sessions?keys=name,path").json()
    assert answer == {
        "count": 1,
        "sessions": [{"visit": visit.visit, "name": visit.name, "path": "/support/"}],
    }
    assert ask(text, f"/watch/v1/fowlers/value?visit={visit.visit}&key=name").json() == {"value": visit.name}
    assert ask(text, "/watch/v1/fowlers/value?visit=gone&key=name").json() == {"value": ""}
    for name in ("_auth_user_id", "checkout_contact", "_farm_owner", "x"):  # guarded, or not shared
        assert ask(text, f"/watch/v1/fowlers/value?visit={visit.visit}&key={name}").status_code == 400
        assert ask(text, f"/watch/v1/fowlers/sessions?keys={name}").status_code == 400
    assert {ask(key).status_code for key in (events_only, of_other, text[:-1], "", "é")} == {401}
    assert ask(text, host="fowlers.localhost:8000").status_code == 404
    assert "sessionid" not in str(ask(text).cookies)
    monkeypatch.setattr(limits, "REQUESTS_PER_MINUTE", 3)
    assert {ask(text).status_code for _ in range(5)} >= {429}


def test_shared_variables_are_given_by_the_shoppers_consent_alone(place):
    shopper = BrowserClient()
    shopper.get("http://fowlers.localhost:8000/watching/")  # a page with a form
    shopper.post("http://fowlers.localhost:8000/cart/deliver-to/", {"country": "FR"})
    shopper.get("http://fowlers.localhost:8000/watching/")
    presence = Presence(place.vendor)
    presence.set_keys("name", "deliver_to")
    seen = []
    for level in (0, 1):
        shopper.get("http://fowlers.localhost:8000/watching/")
        shopper.post(shopper.url, {"level": level})
        shopper.get(HELP)
        visit = SupportVisit.objects.get().visit
        seen.append((presence.session_values()[0]["deliver_to"], presence.value("deliver_to", visit)))

    assert seen == [("", ""), ("FR", "FR")]
    with pytest.raises(KeyError, match="is not shared"):
        presence.set_keys("_auth_user_id")


def test_vendors_membership_change_is_all_that_ends_a_claimants_right(place, signed_in, visit):
    support = signed_in("support")
    Membership.objects.filter(user=place.people["support"]).delete()
    assert support.post(f"{PATH}claim/", {"visit": visit.visit}, headers=JSON).status_code == 404

"""Server-sent events beside the socket: who is let in from where, what a client that comes back gets, keys."""

import asyncio
from datetime import timedelta

import pytest
import time_machine
from asgiref.sync import sync_to_async
from django.test import Client
from django.utils import timezone

from sessions_farm.session import queries
from support_watch import keys, limits
from support_watch.access import Watcher
from support_watch.feed import writes
from support_watch.models import DeskKey
from support_watch.streaming import position_in
from tests.support.desk_screens import ORIGIN, SUBSCRIBE, Stream, subscribe_stream
from tests.support.tampered import tampered

OWN = {"sec_fetch_site": "same-origin"}


async def arrive(place, number):
    await asyncio.to_thread(
        writes.arrive,
        vendor_id=place.vendor.pk,
        visit=f"v{number}",
        tab="t",
        aliases=[f"a{number}"],
        page=writes.Page("/support/", "help page"),
    )


async def status_of(**where):
    stream = Stream(**where)
    status = await stream.connect()
    if status == 200:
        await stream.disconnect()
    else:
        assert b"access-control-allow-origin" not in stream.headers
    return status


async def test_first_word_is_who_is_here_and_who_comes_back_gets_what_was_missed_once(cookie_of, place):
    cookie = await cookie_of("support")
    await arrive(place, "before")
    mine, state = await subscribe_stream(cookie)
    assert [visitor["visit"] for visitor in state["present"]] == ["vbefore"]
    assert mine.headers[b"content-type"].startswith(b"text/event-stream")
    await arrive(place, "seen")
    assert (await mine.next_message("ev"))["event"]["seq"] == state["seq"] + 1
    await mine.disconnect()
    for number in range(5):
        await arrive(place, number)
    back, answer = await subscribe_stream(cookie, mine.last_id)

    assert (answer["op"], answer["recovered"]) == ("replay", True)
    assert [event["visit"] for event in answer["events"]] == [f"v{number}" for number in range(5)]
    await back.disconnect()


async def test_id_of_another_watcher_or_vendor_leads_to_a_snapshot(cookie_of, place):
    mine, _ = await subscribe_stream(await cookie_of("support"))
    await mine.disconnect()
    stranger, answer = await subscribe_stream(await cookie_of("owner"), mine.last_id)
    await stranger.disconnect()

    assert (answer["op"], answer["recovered"]) == ("snapshot", True)


@pytest.mark.parametrize("text", ["", "x", "e-1-", "e-1-0000", "e--1-aa", "e-\u0661-aa", f"e-{'9' * 30}-aa", "e-1-é"])
def test_id_that_makes_no_sense_is_none(text):
    assert position_in(text, Watcher(1, "user:1")) is None


REFUSED_FROM = (
    ({}, 403),
    ({"sec_fetch_site": "cross-site"}, 403),
    ({"sec_fetch_site": "same-site"}, 403),
    ({"sec_fetch_site": "none"}, 403),
    ({"origin": "null"}, 403),
    ({"origin": "http://evil.example"}, 403),
    ({"origin": "http://fowlers.localhost:8000"}, 403),
    ({"origin": "http://evil.example", **OWN}, 403),
    ({"host": "fowlers.localhost:8000", **OWN}, 404),
    ({"host": "evil.example", **OWN}, 421),
    ({"method": "POST", **OWN}, 405),
    ({"slug": "nowhere", **OWN}, 403),
    ({"slug": "quill", **OWN}, 403),
)


async def test_only_pages_of_the_mall_itself_read_it(cookie_of):
    cookie = await cookie_of("owner")
    asked = [(await status_of(cookie=cookie, **where), status, where) for where, status in REFUSED_FROM]
    assert [one for one in asked if one[0] != one[1]] == []
    for own in (OWN, {"origin": ORIGIN}):  # the control: the right ones do
        assert await status_of(cookie=cookie, **own) == 200
    people = {name: await status_of(cookie=await cookie_of(name), **OWN) for name in ("support", "chief", "rival")}
    assert people == {"support": 200, "chief": 200, "rival": 403}
    assert await status_of(**OWN) == 403


async def test_streams_and_sockets_of_a_person_are_counted_together(cookie_of):
    cookie = await cookie_of("owner")
    screens = [
        (await SUBSCRIBE[transport](cookie))[0]
        for transport in ["stream", "socket", "stream", "socket", "stream"][: limits.SCREENS_PER_USER]
    ]
    assert await status_of(cookie=cookie, **OWN) == 429
    await screens.pop().disconnect()
    assert await status_of(cookie=cookie, **OWN) == 200
    for screen in screens:
        await screen.disconnect()


async def test_key_opens_its_vendor_s_events_until_it_is_revoked(place, make_key, monkeypatch):
    monkeypatch.setattr(limits, "RECHECK_SECONDS", 0.2)
    row, text = await sync_to_async(make_key)()
    _, of_other = await sync_to_async(make_key)(place.other)
    _, without_scope = await sync_to_async(make_key)(scopes=["sessions"])
    bearer = "Bearer {}".format
    wrong = [of_other, without_scope, tampered(text), "", "desk_", text.removeprefix("desk_"), "é"]
    assert [key for key in wrong if await status_of(authorization=bearer(key)) != 403] == []
    assert await status_of(authorization=bearer(text), host="fowlers.localhost:8000") == 404

    mine = Stream(authorization=bearer(text))
    assert await mine.connect() == 200
    await mine.next_message("snapshot")
    await sync_to_async(keys.revoke_key)(vendor_id=place.vendor.pk, key_id=row.pk, now=timezone.now())
    assert await mine.closed_with() == 4403
    await mine.disconnect()
    assert await DeskKey.objects.filter(digest__contains=text).acount() == 0


async def test_stream_keeps_no_session_alive(cookie_of, place):
    """Days later it opens on both transports and is checked, and the session is not seen again; a page sees it."""
    cookie = await cookie_of("support")
    person = place.people["support"]
    (before,) = await queries.adevices(person)
    with time_machine.travel(timezone.now() + timedelta(days=3)):
        for transport in SUBSCRIBE.values():
            mine, _ = await transport(cookie)
            await mine.disconnect()
        (after,) = await queries.adevices(person)
        assert after.seen_at == before.seen_at
        client = Client(headers={"host": "mall.localhost:8000", "cookie": cookie})
        assert (await sync_to_async(client.get)("/watch/fowlers/")).status_code == 200
        (after,) = await queries.adevices(person)
        assert after.seen_at > before.seen_at


def test_page_of_the_stream_is_no_page_of_django(place):
    assert Client(headers={"host": "mall.localhost:8000"}).get("/watch/v1/fowlers/stream").status_code == 404

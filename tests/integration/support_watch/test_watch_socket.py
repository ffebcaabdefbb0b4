"""The staff's socket: who gets in, who is put out, and what a page that reconnects receives."""

import asyncio
import os

import pytest
from asgiref.sync import sync_to_async
from redis.asyncio import Redis

from sessions_farm.testing.browser import BrowserClient
from support_watch import limits
from support_watch.feed import writes
from support_watch.feed.scripts import stream_key
from support_watch.feed.writes import Page
from support_watch.hub import hubs
from tests.support.desk_screens import ORIGIN, SUBSCRIBE, socket
from tests.support.desk_screens import subscribe_socket as subscribed
from vendors.models import Membership

PAGE = Page("/support/", "support")
FORBIDDEN, SIGNED_OUT = 4403, 4401


async def opened(cookie, **where):
    """A socket that was let in."""
    mine = socket(cookie, **where)
    assert await mine.connect()
    return mine


async def arrive(place, number):
    await asyncio.to_thread(
        writes.arrive, vendor_id=place.vendor.pk, visit=f"v{number}", tab="t", aliases=[f"a{number}"], page=PAGE
    )


async def test_the_vendors_people_are_let_in(cookie_of):
    for name in ("owner", "support", "chief"):
        await (await opened(await cookie_of(name))).disconnect()


async def test_other_people_are_refused(cookie_of):
    people = ("packer", "rival", "nobody")
    assert [name for name in people if await socket(await cookie_of(name)).connect()] == []


async def test_the_signed_out_are_refused(place):
    assert not await socket().connect()


async def test_a_vendor_that_does_not_exist_is_refused_to_its_chief_too(cookie_of):
    assert not await socket(await cookie_of("chief"), slug="nowhere").connect()
    assert not await socket(await cookie_of("chief"), path="/ws/other/").connect()


HOSTILE_ORIGINS = (
    None,
    "null",
    "",
    "https://mall.localhost:8000",
    "http://mall.localhost",
    "http://mall.localhost:8001",
    "http://fowlers.localhost:8000",
    "http://evil.example:8000",
    "http://mall.localhost:8000.evil.example",
    "http://evil.mall.localhost:8000",
    "http://mall.localhost:8000/",
    "HTTP://MALL.LOCALHOST:8000",
)


async def test_no_other_origin_opens_a_socket(cookie_of):
    cookie = await cookie_of("owner")
    let_in = [origin for origin in HOSTILE_ORIGINS if await socket(cookie, origin=origin).connect()]
    twice = socket(cookie)
    twice.scope["headers"].append((b"origin", b"http://evil.example"))

    assert let_in == []
    assert not await twice.connect()
    await (await opened(cookie)).disconnect()  # the control: the right one does


async def test_a_socket_exists_on_the_master_only(cookie_of):
    cookie = await cookie_of("owner")
    hosts = ("fowlers.localhost:8000", "evil.example", "mall.localhost:8000@evil.example", "")
    places = [(host, origin) for host in hosts for origin in (ORIGIN, f"http://{host}")]

    assert [place for place in places if await socket(cookie, host=place[0], origin=place[1]).connect()] == []


async def test_the_first_word_is_who_is_here_then_what_happens(cookie_of, place):
    await arrive(place, "before")
    mine, state = await subscribed(await cookie_of("support"))
    await arrive(place, "after")
    event = (await mine.next_message("ev"))["event"]
    await mine.disconnect()

    assert [visitor["visit"] for visitor in state["present"]] == ["vbefore"]
    assert (event["visit"], event["seq"], event["epoch"]) == ("vafter", state["seq"] + 1, state["epoch"])
    assert event["name"] == "Visitor vaft"


async def test_who_comes_back_gets_what_was_missed_once(cookie_of, place):
    cookie = await cookie_of("owner")
    mine, state = await subscribed(cookie)
    await mine.disconnect()
    for number in range(5):
        await arrive(place, number)
    back, answer = await subscribed(cookie, {"epoch": state["epoch"], "seq": state["seq"]})
    await arrive(place, "next")
    event = (await back.next_message("ev"))["event"]
    await back.disconnect()

    assert answer["op"] == "replay"
    assert answer["recovered"] is True
    assert [item["visit"] for item in answer["events"]] == [f"v{number}" for number in range(5)]
    assert event["visit"] == "vnext"


async def test_a_long_absence_is_replayed_in_batches(cookie_of, place, monkeypatch):
    monkeypatch.setattr(limits, "REPLAY_BATCH", 4)
    cookie = await cookie_of("owner")
    mine, state = await subscribed(cookie)
    await mine.disconnect()
    for number in range(10):
        await arrive(place, number)
    back, answer = await subscribed(cookie, {"epoch": state["epoch"], "seq": state["seq"]})
    seqs = [event["seq"] for event in answer["events"]]
    while answer["more"]:
        answer = await back.next_message("replay")
        seqs += [event["seq"] for event in answer["events"]]
    await back.disconnect()

    assert seqs == list(range(state["seq"] + 1, state["seq"] + 11))


@pytest.mark.parametrize("gone", ["trimmed", "emptied"])
async def test_an_absence_past_what_is_kept_is_said(cookie_of, place, raw, gone):
    cookie = await cookie_of("owner")
    mine, state = await subscribed(cookie)
    await mine.disconnect()
    for number in range(6):
        await arrive(place, number)
    if gone == "trimmed":
        raw.xtrim(stream_key(place.vendor.pk), maxlen=2, approximate=False)
    else:
        raw.delete(*raw.keys("{watch:*"))
    back, answer = await subscribed(cookie, {"epoch": state["epoch"], "seq": state["seq"]})
    await back.disconnect()

    assert answer["op"] == "snapshot"
    assert answer["recovered"] is False


async def test_the_server_sends_heartbeats_with_its_position(cookie_of, monkeypatch):
    monkeypatch.setattr(limits, "HEARTBEAT_SECONDS", limits.SWEEP_SECONDS)
    mine, state = await subscribed(await cookie_of("owner"))
    beat = await mine.next_message("hb")
    await mine.disconnect()

    assert (beat["epoch"], beat["seq"]) == (state["epoch"], state["seq"])


@pytest.mark.parametrize("transport", SUBSCRIBE)
@pytest.mark.parametrize("removal", ["membership", "account", "password", "sign-out"])
async def test_who_may_no_longer_watch_is_put_out_at_once(cookie_of, place, removal, transport, monkeypatch):
    """The change itself arrives as an event: no screen here would ask by itself within a minute."""
    monkeypatch.setattr(limits, "RECHECK_SECONDS", 60)
    cookie = await cookie_of("support")
    mine, _ = await SUBSCRIBE[transport](cookie)
    other, _ = await SUBSCRIBE[transport](await cookie_of("owner"))
    await remove(place.people["support"], cookie, removal)

    assert await mine.closed_with() == (SIGNED_OUT if removal == "sign-out" else FORBIDDEN)
    await mine.disconnect()
    await arrive(place, "after")
    assert (await other.next_message("ev"))["event"]["visit"] == "vafter"
    await other.disconnect()


async def test_who_may_no_longer_watch_is_put_out_where_no_event_says_so(cookie_of, place, monkeypatch):
    """Rows changed by a statement send no signal, and Redis may be away; the screen asks by itself."""
    monkeypatch.setattr(limits, "RECHECK_SECONDS", 0.2)
    mine, _ = await subscribed(await cookie_of("support"))
    await Membership.objects.filter(user=place.people["support"]).aupdate(role="orders")

    assert await mine.closed_with() == FORBIDDEN
    await mine.disconnect()


async def remove(person, cookie, removal):
    match removal:
        case "membership":
            await Membership.objects.filter(user=person).adelete()
        case "account":
            person.is_active = False
            await person.asave()
        case "password":
            person.set_password("another")
            await person.asave()
        case "sign-out":
            await sync_to_async(sign_out)(cookie)


def sign_out(cookie):
    browser = BrowserClient()
    browser.plant("mall.localhost", *cookie.split("=", 1))
    browser.get("http://mall.localhost:8000/accounts/logout/")
    browser.post(browser.url)


async def test_a_person_has_so_many_sockets_and_no_more(cookie_of):
    cookie = await cookie_of("owner")
    sockets = [(await subscribed(cookie))[0] for _ in range(limits.SCREENS_PER_USER)]  # an answer comes after the slot
    one_more = await opened(cookie)
    assert await one_more.closed_with() == 4429
    await sockets.pop().disconnect()
    again, _ = await subscribed(cookie)
    for mine in [*sockets, one_more, again]:
        await mine.disconnect()


async def test_a_message_out_of_order_closes_the_socket(cookie_of):
    cookie = await cookie_of("owner")
    codes = []
    for message in ("x" * 5000, "{", "[]", '{"op":"shutdown"}', "[" * 4000):
        mine = await opened(cookie)
        await mine.say(message)
        codes.append(await mine.closed_with())
        await mine.disconnect()

    assert codes == [1009, 4400, 4400, 4400, 4400]


async def test_a_flood_of_operations_closes_the_socket(cookie_of):
    mine = await opened(await cookie_of("owner"))
    for _ in range(limits.OPERATIONS_PER_SECOND * 20):  # in one second or another there are too many
        await mine.say('{"op":"sub"}')

    assert await mine.closed_with() == 4429
    await mine.disconnect()


async def test_the_last_socket_takes_the_hub_with_it(cookie_of):
    mine, _ = await subscribed(await cookie_of("owner"))
    hub = hubs[asyncio.get_running_loop()]
    await mine.disconnect()

    assert hub.topics == {}
    async with Redis.from_url(os.environ["REDIS_URL"]) as client:
        waiting = [one for one in await client.client_list() if one["cmd"] == "xread"]
    assert waiting == []

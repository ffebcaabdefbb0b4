"""The staff's socket: who gets in, who is put out, and what a page that reconnects receives."""

import asyncio
import json
import os

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.test import Client
from redis.asyncio import Redis

from sessions_farm.communities.registry import registry
from sessions_farm.testing.browser import BrowserClient
from sessions_farm.web import cookies
from support_watch import limits
from support_watch.feed import writes
from support_watch.feed.scripts import stream_key
from support_watch.feed.writes import Page
from support_watch.hub import hubs
from support_watch.routing import sockets
from vendors.models import Membership

ORIGIN = "http://mall.localhost:8000"
PAGE = Page("/support/", "support")
KICKED = 4403


@pytest.fixture
def cookie_of(place):
    """The Cookie header of a signed-in person."""

    def cookie(name):
        client = Client()
        client.force_login(place.people[name])
        member = registry.resolve("mall.localhost")
        return f"{cookies.name_for(member)}={cookies.seal(member, client.cookies['sessionid'].value)}"

    return sync_to_async(cookie)


class Socket(ApplicationCommunicator):
    """A client of the project's ASGI application, one message at a time."""

    def __init__(self, path, headers):
        super().__init__(
            sockets,
            {
                "type": "websocket",
                "path": path,
                "query_string": b"",
                "headers": headers,
                "subprotocols": [],
                "client": ["127.0.0.1", 50000],
            },
        )

    async def connect(self):
        """Whether the handshake was accepted."""
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output(timeout=5))["type"] == "websocket.accept"

    async def disconnect(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=5)

    async def say(self, text):
        await self.send_input({"type": "websocket.receive", "text": text})


def socket(cookie="", slug="fowlers", host="mall.localhost:8000", origin=ORIGIN, path=""):
    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if cookie:
        headers.append((b"cookie", cookie.encode()))
    return Socket(path or f"/ws/watch/{slug}/", headers)


async def opened(cookie, **where):
    """A socket that was let in."""
    mine = socket(cookie, **where)
    assert await mine.connect()
    return mine


async def subscribed(cookie, last=None):
    mine = await opened(cookie)
    await mine.say(json.dumps({"op": "sub", "last": last}))
    return mine, await next_message(mine, "snapshot", "replay")


async def next_message(mine, *operations, seconds=8):
    """The next message of one of the operations."""
    async with asyncio.timeout(seconds):
        while True:
            message = json.loads((await mine.receive_output(timeout=seconds))["text"])
            if message["op"] in operations:
                return message


async def closed_with(mine, seconds=5):
    async with asyncio.timeout(seconds):
        while True:
            output = await mine.receive_output(timeout=seconds)
            if output["type"] == "websocket.close":
                return output["code"]


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
    event = (await next_message(mine, "ev"))["event"]
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
    event = (await next_message(back, "ev"))["event"]
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
        answer = await next_message(back, "replay")
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
    beat = await next_message(mine, "hb")
    await mine.disconnect()

    assert (beat["epoch"], beat["seq"]) == (state["epoch"], state["seq"])


@pytest.mark.parametrize("removal", ["membership", "account", "password", "sign-out"])
async def test_who_may_no_longer_watch_is_put_out_within_5_seconds(cookie_of, place, removal, monkeypatch):
    if removal != "membership":  # one case at the real pace is enough
        monkeypatch.setattr(limits, "RECHECK_SECONDS", 0.3)
    cookie = await cookie_of("support")
    mine, _ = await subscribed(cookie)
    person = place.people["support"]
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

    assert await closed_with(mine) == KICKED
    await mine.disconnect()


def sign_out(cookie):
    browser = BrowserClient()
    browser.plant("mall.localhost", *cookie.split("=", 1))
    browser.get("http://mall.localhost:8000/accounts/logout/")
    browser.post(browser.url)


async def test_a_person_has_so_many_sockets_and_no_more(cookie_of):
    cookie = await cookie_of("owner")
    sockets = [await opened(cookie) for _ in range(limits.SOCKETS_PER_USER)]
    one_more = await opened(cookie)
    assert await closed_with(one_more) == 4429
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
        codes.append(await closed_with(mine))
        await mine.disconnect()

    assert codes == [1009, 4400, 4400, 4400, 4400]


async def test_a_flood_of_operations_closes_the_socket(cookie_of):
    mine = await opened(await cookie_of("owner"))
    for _ in range(limits.OPERATIONS_PER_SECOND + 1):
        await mine.say('{"op":"sub"}')

    assert await closed_with(mine) == 4429
    await mine.disconnect()


async def test_the_last_socket_takes_the_hub_with_it(cookie_of):
    mine, _ = await subscribed(await cookie_of("owner"))
    hub = hubs[asyncio.get_running_loop()]
    await mine.disconnect()

    assert hub.topics == {}
    async with Redis.from_url(os.environ["REDIS_URL"]) as client:
        waiting = [one for one in await client.client_list() if one["cmd"] == "xread"]
    assert waiting == []

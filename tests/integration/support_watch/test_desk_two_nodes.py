"""Two real nodes: screens that reconnect a thousand times, killed connections, a frozen or killed node, watchctl."""

import asyncio
import io
import json
import random
import threading
from contextlib import suppress

import httpx2
import pytest
import redis
import websockets
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from sessions_farm.tests.support.scale import counted
from support_watch.feed import writes
from support_watch.feed.writes import Page
from tests.support.nodes import running_nodes
from tests.support.waiting import wait_for
from vendors.models import Membership

HOST = "mall.localhost:8000"
ORIGIN = f"http://{HOST}"
PLAIN = {"PUBLIC_SCHEME": "http", "PUBLIC_PORT": "8000"}  # as the tests' own process seals cookies
PAGE = Page("/support/", "help page")


def arrive(vendor_id, visit):
    writes.arrive(vendor_id=vendor_id, visit=visit, tab="t", aliases=[f"a-{visit}"], page=PAGE)


class Shown:
    """What a screen shows in the end: each event once, as the page's script counts them."""

    def __init__(self):
        self.position, self.visits, self.doubled, self.lost = None, [], 0, 0

    def take(self, message):
        if message["op"] == "snapshot":
            self.lost += not message["recovered"]
            self.position = {"epoch": message["epoch"], "seq": message["seq"]}
        for event in [message["event"]] if message["op"] == "ev" else message.get("events", []):
            if event["seq"] <= self.position["seq"]:
                self.doubled += 1
                continue
            self.lost += event["seq"] != self.position["seq"] + 1
            self.position = {"epoch": event["epoch"], "seq": event["seq"]}
            self.visits += [event["visit"]] if event["type"] == "arrive" else []  # and not of those that time out


class SocketScreen:
    def __init__(self, nodes, cookie):
        self.nodes, self.cookie, self.shown = nodes, cookie, Shown()

    async def watch(self, seconds):
        """Connect, and take what comes for a while; a dropped connection is no farewell."""
        async with websockets.connect(
            f"ws://{HOST}/ws/watch/fowlers/",
            host="127.0.0.1",
            port=self.nodes.port,
            additional_headers={"Cookie": self.cookie},
            origin=ORIGIN,
            proxy=None,
            open_timeout=60,
        ) as socket:
            await socket.send(json.dumps({"op": "sub", "last": self.shown.position}))
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while True:
                        self.shown.take(json.loads(await socket.recv()))
            socket.transport.abort()


class StreamScreen:
    def __init__(self, nodes, cookie):
        self.nodes, self.cookie, self.shown, self.last_id = nodes, cookie, Shown(), ""

    async def watch(self, seconds):
        headers = {"Host": HOST, "Cookie": self.cookie, "Sec-Fetch-Site": "same-origin"}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        local = f"http://127.0.0.1:{self.nodes.port}"
        async with (
            httpx2.AsyncClient(timeout=60, trust_env=False) as client,
            client.stream("GET", f"{local}/watch/v1/fowlers/stream", headers=headers) as answer,
        ):
            answer.raise_for_status()  # a slot that is not free again yet: try_to comes again
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    async for line in answer.aiter_lines():
                        name, _, value = line.partition(": ")
                        if name == "id":
                            self.last_id = value
                        elif name == "data":
                            self.shown.take(json.loads(value))


SCREENS = {"socket": SocketScreen, "stream": StreamScreen}
RECONNECTS = 170  # of a screen, at make prove: six screens make a thousand


async def reconnect_often(screen, count, chance, is_over, sent):
    """Reconnect so many times, and after the last event until it was shown."""
    for _ in range(count):
        await try_to(screen, chance.uniform(0.02, 0.2))
    while not is_over.is_set():
        await try_to(screen, 0.5)
    async with asyncio.timeout(60):
        while screen.shown.visits != sent:
            await try_to(screen, 2)


async def try_to(screen, seconds):
    with suppress(OSError, httpx2.HTTPError, websockets.WebSocketException):
        await screen.watch(seconds)


async def test_screens_of_both_kinds_over_two_nodes_miss_nothing_and_show_nothing_twice(place, cookie_of, raw, scale):
    cookies = [await cookie_of(name) for name in ("owner", "support", "chief")]
    count, kills = counted(RECONNECTS, scale) + 2, 2 * scale
    sent, is_over, chance = [], asyncio.Event(), random.Random(scale)
    with running_nodes(**PLAIN) as nodes:
        screens = [kind(nodes, cookie) for cookie in cookies[: 1 + min(scale - 1, 2)] for kind in SCREENS.values()]
        for screen in screens:
            while screen.shown.position is None:
                await screen.watch(1)

        async def publish():
            for number in range(kills):
                for kind in ("normal", "pubsub"):
                    with suppress(redis.RedisError):
                        raw.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
                for event in range(5):
                    sent.append(f"v{number}-{event}")
                    await asyncio.to_thread(publish_surely, place.vendor.pk, sent[-1])
                    await asyncio.sleep(0.05)
            is_over.set()

        await asyncio.gather(publish(), *(reconnect_often(screen, count, chance, is_over, sent) for screen in screens))

    assert [screen.shown.visits == sent for screen in screens] == [True] * len(screens)
    assert [(screen.shown.doubled, screen.shown.lost) for screen in screens] == [(0, 0)] * len(screens)


def publish_surely(vendor_id, visit):
    """Open the page again while its connection is one of those that were killed: idempotent by the shopper."""
    wait_for(lambda: is_published(vendor_id, visit), f"{visit} to be taken", 20)


def is_published(vendor_id, visit):
    writes.PAGES.breaker.record_success()
    try:
        arrive(vendor_id, visit)
    except writes.FeedUnavailableError:
        return False
    return True


async def test_300_screens_join_at_once_in_one_process(place, cookie_of, scale):
    if scale == 1:
        pytest.skip("Its node costs seconds: make prove.")
    count = 300
    cookies = [await cookie_of(await sync_to_async(hire)(place, number)) for number in range(count // 4)]
    with running_nodes(1, **PLAIN) as nodes:
        kinds = ["socket", "stream"] * 2
        screens = [SCREENS[kind](nodes, cookie) for cookie in cookies for kind in kinds]
        seconds = 2 + count / 15
        results = await asyncio.gather(*(screen.watch(seconds) for screen in screens), return_exceptions=True)

    assert [one for one in results if isinstance(one, BaseException)] == []
    assert [screen.shown.position is not None for screen in screens] == [True] * count


def hire(place, number):
    """One more member of the support staff; return the name in ``place.people``."""
    name = f"support{number}"
    place.people[name] = get_user_model().objects.create_user(f"{name}@example.org", "mall-demo")
    Membership.objects.create(vendor=place.vendor, user=place.people[name], role="support")
    return name


def test_watchctl_subscribes_over_the_stream_reconnects_and_is_closed(place, make_key, scale):
    _, text = make_key()
    with running_nodes(**PLAIN) as nodes:
        with pytest.raises(CommandError, match="does not open this shop"):
            call_command("watchctl", "subscribe", "fowlers", **address_of(nodes), key="desk_x")
        out, errors = io.StringIO(), io.StringIO()
        arrive(place.vendor.pk, "here")
        thread = threading.Thread(target=subscribe, args=[nodes, text, out, errors])
        thread.start()
        wait_for(lambda: "Visitor here is here" in out.getvalue(), "the first word", 20)
        arrive(place.vendor.pk, "next")
        wait_for(lambda: "Visitor next opened a page" in out.getvalue(), "an event", 20)
        killed = ("web1", "web2")[: 2 if scale > 1 else 1]  # one of the two holds the stream
        for name in killed:
            nodes.kill(name)
            arrive(place.vendor.pk, f"{name}-away")
            nodes.restart(name)
        wait_for(lambda: out.getvalue().count("opened a page") == 1 + len(killed), "what was missed")
        assert "lost" not in out.getvalue()
        call_command("watchctl", "close", "fowlers", "till", stdout=io.StringIO())
        thread.join(20)
        assert not thread.is_alive()
    assert "was revoked" in errors.getvalue()
    with pytest.raises(CommandError, match="no valid key"):
        call_command("watchctl", "close", "fowlers", "till")


def address_of(nodes):
    return {"url": f"http://{HOST}", "connect": f"127.0.0.1:{nodes.port}"}


def subscribe(nodes, text, out, errors):
    try:
        call_command("watchctl", "subscribe", "fowlers", **address_of(nodes), key=text, stdout=out, stderr=errors)
    except CommandError as error:
        errors.write(str(error))

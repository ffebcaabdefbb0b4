"""A mall for the desk's measurements: one vendor, staff with sockets, shoppers that open its help page."""

import asyncio
import json
import os
import time

import httpx2
import redis.asyncio
import websockets
from django.contrib.auth import get_user_model
from django.test import Client

from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from sessions_farm.web import cookies
from support_watch.models import DeskSettings
from vendors.models import Marketplace, Membership, Storefront, Vendor

HOST = "mall.localhost"
ORIGIN = f"http://{HOST}:8000"
PER_PERSON = 5
CHANNEL = "raw"
PAUSE = 0.03  # between two arrivals


class World:
    def __init__(self, port, screens):
        self.port, self.screens = port, screens
        self.vendor, self.quiet = make_vendor("fowlers"), make_vendor("quill")
        DeskSettings.objects.get_or_create(vendor=self.quiet, defaults={"pages": []})
        self.cookies = [self.staff(number) for number in range(-(-screens // PER_PERSON))]

    def staff(self, number):
        users = get_user_model().objects
        user = users.filter(email=f"s{number}@x.example").first() or users.create_user(f"s{number}@x.example")
        Membership.objects.get_or_create(vendor=self.vendor, user=user, role="support")
        return cookie_of(user)

    async def feed(self, count):
        """Seconds from the begin of a shopper's request to each screen's message."""
        begun, times = {}, []
        ready = [asyncio.Event() for _ in range(self.screens)]
        tasks = [
            asyncio.create_task(self._screen(self.cookies[number // PER_PERSON], ready[number], begun, times, count))
            for number in range(self.screens)
        ]
        await asyncio.gather(*(one.wait() for one in ready))
        async with self._client() as client:
            ids = [await self._new_shopper(client) for _ in range(count + 1)]
            await client.get("/stores/fowlers/support/", headers={"Cookie": ids.pop()})
            for number, cookie in enumerate(ids):
                begun[number] = time.perf_counter()
                answer = await client.get("/stores/fowlers/support/", headers={"Cookie": cookie})
                assert answer.status_code == 200
                await asyncio.sleep(PAUSE)
        async with asyncio.timeout(30):
            await asyncio.gather(*tasks)
        return times

    async def _screen(self, cookie, ready, begun, times, count):
        """Take the first arrival for a warm-up, then each once, in order."""
        async with websockets.connect(
            f"ws://{HOST}:8000/ws/watch/fowlers/",
            host="127.0.0.1",
            port=self.port,
            additional_headers={"Cookie": cookie},
            origin=ORIGIN,
            proxy=None,
        ) as socket:
            await socket.send('{"op":"sub","last":null}')
            seen, last = -1, None
            while seen < count:
                message = json.loads(await socket.recv())
                if message["op"] == "snapshot":
                    last = message["seq"]
                    ready.set()
                if message["op"] != "ev":
                    continue
                assert message["seq"] == last + 1, "missed or doubled"
                last = message["seq"]
                if message["event"]["type"] == "arrive":
                    if seen >= 0:
                        times.append(time.perf_counter() - begun[seen])
                    seen += 1

    async def raw_round_trips(self, count):
        """Seconds from a publish to each of as many raw subscribers."""
        clients = [redis.asyncio.Redis.from_url(os.environ["REDIS_URL"]) for _ in range(self.screens)]
        channels = [client.pubsub() for client in clients]
        for channel in channels:
            await channel.subscribe(CHANNEL)
            assert (await channel.get_message(timeout=60))["type"] == "subscribe"
        begun, times = {}, []

        async def listen(channel):
            for _ in range(count):
                while (message := await channel.get_message(timeout=10)) is None:
                    pass
                times.append(time.perf_counter() - begun[int(message["data"])])

        listening = [asyncio.create_task(listen(channel)) for channel in channels]
        async with redis.asyncio.Redis.from_url(os.environ["REDIS_URL"]) as publisher:
            for number in range(count):
                begun[number] = time.perf_counter()
                await publisher.publish(CHANNEL, number)
                await asyncio.sleep(PAUSE)
        await asyncio.gather(*listening)
        for channel, client in zip(channels, clients, strict=True):
            await channel.aclose()
            await client.aclose()
        return times

    async def pages(self, count):
        """Seconds of the help page of a shop that watches it, and of one that does not, in turns."""
        times = {"fowlers": [], "quill": []}
        async with self._client() as client:
            cookie = await self._new_shopper(client)
            for _ in range(count):
                for slug, own in times.items():
                    begun = time.perf_counter()
                    answer = await client.get(f"/stores/{slug}/support/", headers={"Cookie": cookie})
                    own.append(time.perf_counter() - begun)
                    assert answer.status_code == 200
        return times["fowlers"], times["quill"]

    def _client(self):
        agent = {"Host": f"{HOST}:8000", "User-Agent": "Mozilla/5.0 Firefox/140.0"}
        return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=agent, timeout=30, trust_env=False)

    async def _new_shopper(self, client):
        """A cookie of a browser that has been at the mall before."""
        answer = await client.get("/stores/fowlers/support/", headers={"Cookie": ""})
        client.cookies.clear()
        return answer.headers["set-cookie"].partition(";")[0]


def make_vendor(slug):
    community, is_new = Community.objects.get_or_create(slug="mall", name="The Mall", cookie_name="mall")
    if is_new:
        community.master = Domain.objects.create(community=community, host=HOST, status="active")
        community.save()
    marketplace, _ = Marketplace.objects.get_or_create(community=community)
    vendor, _ = Vendor.objects.get_or_create(
        marketplace=marketplace, slug=slug, defaults={"name": slug.title(), "status": Vendor.Status.PUBLISHED}
    )
    Storefront.objects.get_or_create(vendor=vendor)
    registry.refresh()
    return vendor


def cookie_of(user):
    client = Client()
    client.force_login(user)
    member = registry.resolve(HOST)
    return f"{cookies.name_for(member)}={cookies.seal(member, client.cookies['sessionid'].value)}"

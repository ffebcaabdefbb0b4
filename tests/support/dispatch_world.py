"""Vendors with routes and placed orders, and the ways to send them that are compared."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpcore2
from asgiref.sync import async_to_sync
from django.db import connection
from django.utils import timezone

from cart.orders.models import Consignment, Order
from sessions_farm.communities.models import Community, Domain
from shipping import body, envelope, keys, signatures, signing_keys
from shipping.models import Ack, Attempt, Department, Dispatch, Route, VendorKey
from shipping.runner import SLOTS, SWITCH_SECONDS, Runner, drain
from vendors.models import Marketplace, Vendor
from vendors.money import Money

LEAD = timedelta(seconds=1)


class World:
    """Vendors whose routes lead to one address, and the dispatches to them."""

    def __init__(self, count: int, url: str, secret: str, first: int = 0) -> None:
        self.url, self.secret = url, secret
        community, _ = Community.objects.get_or_create(slug="mall", defaults={"name": "Mall", "cookie_name": "mall"})
        if community.master is None:
            community.master = Domain.objects.create(community=community, host="mall.localhost", status="active")
            community.save()
        self.market, _ = Marketplace.objects.get_or_create(community=community, defaults={"currency": "EUR"})
        self.routes = [self._route(f"seller{number}") for number in range(first, first + count)]

    def _route(self, slug: str) -> Route:
        vendor, _ = Vendor.objects.get_or_create(
            marketplace=self.market, slug=slug, defaults={"name": slug, "status": "published"}
        )
        department, _ = Department.objects.get_or_create(vendor=vendor)
        signing_keys.ensure_key(vendor=vendor)
        route, _ = Route.objects.get_or_create(department=department, rank=1, defaults={"transport": "http"})
        route.config, route.secrets, route.last_ok_at = {"url": self.url}, {"secret": self.secret}, timezone.now()
        route.save()
        return route

    def write(self, count: int, due: Iterable[datetime] = ()) -> list[str]:
        """Write dispatches, in turn to each vendor, due now or at the moments given; return their keys."""
        now = timezone.now()
        moments = list(due) or [now] * count
        sellers = [self.routes[number % len(self.routes)] for number in range(count)]
        parcels = self._parcels(sellers, now)
        rows = [
            self._dispatch(parcel, route, moment)
            for parcel, route, moment in zip(parcels, sellers, moments, strict=True)
        ]
        return [row.key for row in Dispatch.objects.bulk_create(rows, batch_size=1000)]

    def _parcels(self, sellers: list[Route], now: datetime) -> list[Consignment]:
        """Write a consignment each; an order has one of a vendor."""
        numbers = [keys.new_root(now).hex[-16:] for _ in range(0, len(sellers), len(self.routes))]
        orders = Order.objects.bulk_create(
            Order(
                number=number,
                idempotency_key=number,
                marketplace=self.market,
                currency="EUR",
                state=Order.State.PLACED,
                placed_at=now,
            )
            for number in numbers
        )
        return Consignment.objects.bulk_create(
            Consignment(
                order=orders[number // len(self.routes)],
                vendor_id=route.department.vendor_id,
                number=f"{orders[number // len(self.routes)].number}-{number % len(self.routes)}",
            )
            for number, route in enumerate(sellers)
        )

    def _dispatch(self, parcel: Consignment, route: Route, moment: datetime) -> Dispatch:
        key = keys.make_key(keys.new_root(moment), 1)
        person = body.Recipient("Anna Byrne", "1 Quay", "", "F91", "Sligo", "IE", "anna@example.org", "")
        items = (body.Item("TEA-1", "Assam", 2, Money(1200, "EUR")), body.Item("CUP-1", "A cup", 1, Money(900, "EUR")))
        content = body.serialize(
            body.DispatchBody(
                key,
                1,
                route.department.vendor.slug,
                parcel.number,
                "M-1",
                moment,
                "standard",
                Money(450, "EUR"),
                person,
                items,
            )
        )
        digest = hashlib.sha256(content).hexdigest()
        return Dispatch(consignment=parcel, key=key, body=content, sha256=digest, route=route, next_at=moment)

    def drain(self) -> tuple[float, float]:
        """Send all that is due; return the seconds and the statements an item."""
        waiting = Dispatch.objects.filter(state="ready").count()
        sys.setswitchinterval(SWITCH_SECONDS)  # as dispatchd does
        counted = Counting()
        with connection.execute_wrapper(counted):
            begun = time.perf_counter()
            drain()
            took = time.perf_counter() - begun
        return took, counted.total / waiting

    def bodies(self, wanted: list[str]) -> list[tuple[str, bytes]]:
        """Return the signed documents by key, in memory."""
        signers = {row.vendor_id: signing_keys.open_keys([row.encrypted_secret]) for row in VendorKey.objects.signing()}
        rows = Dispatch.objects.filter(key__in=wanted).values_list("key", "body", "consignment__vendor")
        return [(key, envelope.seal(bytes(content), envelope.ORDER, signers[vendor])) for key, content, vendor in rows]

    async def bare_loop(self, bodies: list[tuple[str, bytes]]) -> None:
        """Send the same requests with the same client and as many under way, and nothing else."""
        waiting = iter(bodies)
        async with httpcore2.AsyncConnectionPool(max_keepalive_connections=SLOTS) as pool:

            async def work() -> None:
                for key, content in waiting:
                    headers = {"content-type": "application/json"} | signatures.headers(
                        secrets=[self.secret], key=key, timestamp=int(time.time()), body=content
                    )
                    await pool.request("POST", self.url, headers=list(headers.items()), content=content)

            await asyncio.gather(*(work() for _ in range(SLOTS)))

    def waits(self, count: int, rate: int) -> list[float]:
        """Send dispatches that become due at a steady rate; return the seconds from due to sent of each.

        Those of the first second are sent and not counted: the idle runner looks four times a second, so the phase of
        its look alone would decide the longest waits.
        """
        start = timezone.now() + LEAD
        moments = [start + timedelta(seconds=number / rate) for number in range(rate + count)]
        written = dict(zip(self.write(len(moments), moments), moments, strict=True))
        ends = time.monotonic() + LEAD.total_seconds() + len(moments) / rate + 1
        runner = Runner()
        async_to_sync(runner.run_forever)(stopped=lambda: time.monotonic() > ends, idle=time.sleep)
        due = {key: moment for key, moment in written.items() if moment >= moments[rate]}
        sent = Attempt.objects.filter(dispatch__key__in=due, number=1).values_list("dispatch__key", "ended_at")
        return [(at.astimezone(UTC) - due[key]).total_seconds() for key, at in sent]

    def clear(self) -> None:
        """Forget the dispatches to these vendors."""
        mine = Dispatch.objects.filter(route__in=self.routes)
        Ack.objects.filter(dispatch__in=mine).delete()
        mine.delete()


class Counting:
    """Counts statements."""

    def __init__(self) -> None:
        self.total = 0

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.total += 1
        return execute(*arguments)

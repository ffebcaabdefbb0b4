"""``manage.py watchctl subscribe <vendor>``: print the events of a vendor's support page live."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any, cast

import redis
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from redis.exceptions import RedisError

from support_watch.feed import reads
from support_watch.feed.connections import query_client
from support_watch.feed.events import Event, Streams, Visitor, decode
from support_watch.feed.reads import Position
from support_watch.feed.scripts import stream_key
from vendors.models import Vendor

BLOCK_MS = 500  # below the connection's time-out
WORDS = {
    "arrive": "opened the support page",
    "back": "is back",
    "leave": "left",
    "expire": "has gone quiet",
}


class Command(BaseCommand):
    help = "Print the events of a vendor's support page live. Ctrl-C ends it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        subscribe = commands.add_parser("subscribe", help="Print the present visitors, then each event.")
        subscribe.add_argument("vendor", help="The vendor's slug.")
        subscribe.add_argument("--count", type=int, default=0, help="End after so many events.")

    def handle(self, *_args: Any, **options: Any) -> None:
        vendor = Vendor.objects.filter(slug=options["vendor"]).first()
        if vendor is None:
            raise CommandError(f"There is no vendor {options['vendor']!r}.")
        try:
            self.subscribe(vendor, options["count"])
        except KeyboardInterrupt:
            self.stdout.write("Unsubscribed.")

    def subscribe(self, vendor: Vendor, count: int) -> None:
        """Print the present visitors, then the events; stop after ``count`` events, never for 0."""
        with query_client() as client:
            state = reads.snapshot_now(client, vendor.pk)
            self.stdout.write(f"{vendor.name}: {len(state.present)} here now.")
            for visitor in state.present:
                self.stdout.write(here_line(visitor))
            self.follow(client, vendor, state.position, count)

    def follow(self, client: redis.Redis, vendor: Vendor, position: Position, count: int) -> None:
        """Print events from a position on, over lost connections; print a notice where the stream was lost."""
        printed = 0
        while not count or printed < count:
            for event in self.wait(client, vendor, position):
                if event["epoch"] != position.epoch or event["seq"] != position.seq + 1:
                    self.stdout.write("Some events were lost with Redis; the history has them.")
                position = Position(event["epoch"], event["seq"])
                self.stdout.write(event_line(event))
                printed += 1

    def wait(self, client: redis.Redis, vendor: Vendor, position: Position) -> list[Event]:
        """Return the next events, none after BLOCK_MS or while Redis is away."""
        try:
            found = client.xread({stream_key(vendor.pk): f"{position.seq}-0"}, block=BLOCK_MS)
            if not found:
                here = reads.snapshot_now(client, vendor.pk).position
                if here.epoch != position.epoch:
                    found = client.xread({stream_key(vendor.pk): "0-0"})
        except RedisError as error:
            self.stderr.write(f"Redis does not answer, trying again: {error}")
            time.sleep(1)
            return []
        streams = cast("Streams", found)
        return [decode(vendor.pk, entry_id, fields) for _, entries in streams for entry_id, fields in entries]


def clock(milliseconds: int) -> str:
    """Return the local time of day of a time in ms since 1970."""
    return f"{timezone.localtime(datetime.fromtimestamp(milliseconds / 1000, UTC)):%H:%M:%S}"


def here_line(visitor: Visitor) -> str:
    """Return the line of a present visitor."""
    return f"{clock(visitor['since'])}  {visitor['name']} is here"


def event_line(event: Event) -> str:
    """Return the line of an event."""
    late = f", delivered late (came at {clock(event['since'])})" if event["late"] else ""
    return f"{clock(event['at'])}  {event['name']} {WORDS.get(event['type'], event['type'])}{late}"

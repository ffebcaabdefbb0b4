"""``manage.py watchctl subscribe``: print the events of a vendor's watched pages live, from anywhere, by a key.

The seed's desktop program: it subscribes to a channel, shows each message, and closes the channel. It is a client of
the feed's event stream like a vendor's own program, needs no database, and comes back to where it was after a lost
connection. ``close`` ends the programs that are open by a key, by revoking it.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from support_watch import keys
from support_watch.client import FeedClient, FeedRefusedError
from support_watch.feed.events import Event, Visitor
from support_watch.models import DeskKey

WORDS = {
    "arrive": "opened a page",
    "back": "is back",
    "leave": "left",
    "expire": "has gone quiet",
    "page": "turned to another page",
    "redact": "wants to be forgotten",
    "release": "is free again",
}
STATES = {"active": "is here again", "idle": "is idle", "away": "is away"}


class Command(BaseCommand):
    help = "Print the events of a vendor's watched pages live, by a key of the desk. Ctrl-C ends it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        subscribe = commands.add_parser("subscribe", help="Print the present visitors, then each event.")
        subscribe.add_argument("vendor", help="The vendor's slug.")
        subscribe.add_argument("--url", required=True, help="The mall's address, such as https://mall.example.")
        subscribe.add_argument("--key", default=os.environ.get("DESK_KEY", ""), help="Default: DESK_KEY.")
        subscribe.add_argument("--connect", default="", help="Dial this host:port in place of the mall's address.")
        subscribe.add_argument("--count", type=int, default=0, help="End after so many events.")
        close = commands.add_parser("close", help="Revoke a key; the programs that use it are closed within seconds.")
        close.add_argument("vendor", help="The vendor's slug.")
        close.add_argument("name", help="The key's name, as the desk's settings show it.")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["command"] == "close":
            self.close(options["vendor"], options["name"])
            return
        client = FeedClient(
            options["url"], options["vendor"], options["key"], say=self.stderr.write, connect=options["connect"]
        )
        try:
            self.subscribe(client, options["count"])
        except FeedRefusedError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("Unsubscribed.")
        finally:
            client.close()

    def subscribe(self, client: FeedClient, count: int) -> None:
        """Print the present visitors, then the events; stop after ``count`` events, never for 0."""
        printed = 0
        for message in client.messages():
            if message["op"] == "snapshot":
                self.show_snapshot(message)
            for event in client.events_in(message):
                self.stdout.write(event_line(event))
                printed += 1
                if printed == count:
                    return

    def show_snapshot(self, message: dict[str, Any]) -> None:
        """Print the present visitors, and that some events are missing where they are."""
        if not message["recovered"]:
            self.stdout.write("Some events were lost; the history has them.")
        self.stdout.write(f"{len(message['present'])} here now.")
        for visitor in message["present"]:
            self.stdout.write(here_line(visitor))

    def close(self, slug: str, name: str) -> None:
        """Revoke the keys of a name; open streams are checked at once."""
        found = DeskKey.objects.valid().filter(vendor__slug=slug, name=name)
        revoked = [keys.revoke_key(vendor_id=key.vendor_id, key_id=key.pk, now=timezone.now()) for key in found]
        if not revoked:
            raise CommandError(f"{slug} has no valid key named {name!r}.")
        self.stdout.write(f"Closed: {len(revoked)} key{'s' if len(revoked) > 1 else ''}.")


def clock(milliseconds: int) -> str:
    """Return the local time of day of a time in ms since 1970."""
    return f"{timezone.localtime(datetime.fromtimestamp(milliseconds / 1000, UTC)):%H:%M:%S}"


def here_line(visitor: Visitor) -> str:
    """Return the line of a present visitor."""
    return f"{clock(visitor['since'])}  {visitor['name']} is here"


def event_line(event: Event) -> str:
    """Return the line of an event."""
    late = f", delivered late (came at {clock(event['since'])})" if event["late"] else ""
    words = WORDS.get(event["type"], "")
    if event["type"] == "state":
        words = STATES[event["state"]]
    elif event["type"] == "claim":
        words = f"is taken by {event['by']}"
    page = f": {event['page']['title']} {event['page']['path']}" if event["page"]["path"] else ""
    return f"{clock(event['at'])}  {event['name']} {words}{page}{late}"

"""A client of the feed's event stream, for vendors' own programs: it comes back to where it was, and knows no Django.

Server-sent events by HTML's rules: ``id`` is kept, blank lines end an event, and a client that reconnects sends the
last id (html.spec.whatwg.org, 9.2).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import httpx2

SILENT_SECONDS = 15.0  # the server sends a heartbeat every 5 s
MOST_WAIT_SECONDS = 10.0
REFUSALS = {
    HTTPStatus.FORBIDDEN: "The key does not open this shop's events, or was revoked.",
    HTTPStatus.NOT_FOUND: "There is no feed at this address; it is on the mall's own host.",
    HTTPStatus.MISDIRECTED_REQUEST: "This host is not one of the mall's.",
}
FORBIDDEN = 4403  # in the last message of a stream whose access ended


class FeedRefusedError(Exception):
    """The feed does not let this client in; the message says why, and trying again does not help."""


class FeedClient:
    """One subscription; ``say`` is told of lost connections.

    ``connect`` (host:port) is dialled in place of the address that the URL names, which keeps its name.
    """

    def __init__(self, url: str, slug: str, key: str, *, say: Callable[[str], object], connect: str = "") -> None:
        named = httpx2.URL(f"{url.rstrip('/')}/watch/v1/{slug}/stream")
        self.host = named.netloc.decode()
        self.name = named.host
        dialled = httpx2.URL(f"//{connect}") if connect else named
        self.address = named.copy_with(host=dialled.host, port=dialled.port)
        self.key = key
        self.say = say
        self.last_id = ""
        self.position: tuple[str, int] | None = None
        self.http = httpx2.Client(timeout=httpx2.Timeout(5, read=SILENT_SECONDS), trust_env=False)

    def close(self) -> None:
        """Unsubscribe."""
        self.http.close()

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield the feed's messages for ever, over lost connections. Raise FeedRefusedError."""
        wait = 0.5
        while True:
            try:
                for message in self._connection():
                    wait = 0.5
                    yield message
            except httpx2.HTTPError as error:
                self.say(f"The connection was lost and is tried again: {error}")
            time.sleep(wait * (0.5 + random.random()))  # noqa: S311 -- spreads clients, keeps no secret
            wait = min(MOST_WAIT_SECONDS, wait * 2)

    def _connection(self) -> Iterator[dict[str, Any]]:
        headers = {"Host": self.host, "Authorization": f"Bearer {self.key}", "Accept": "text/event-stream"}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        named = {"sni_hostname": self.name}
        with self.http.stream("GET", self.address, headers=headers, extensions=named) as answer:
            if answer.status_code in REFUSALS:
                raise FeedRefusedError(REFUSALS[HTTPStatus(answer.status_code)])
            if answer.status_code != HTTPStatus.OK:
                self.say(f"The feed answers {answer.status_code} and is tried again.")
                return
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last_id = value
                elif name == "data":
                    yield self._read(json.loads(value))

    def _read(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["op"] == "end" and message["code"] == FORBIDDEN:
            raise FeedRefusedError("The key was revoked.")
        if message["op"] == "snapshot":
            self.position = (message["epoch"], message["seq"])
        return message

    def events_in(self, message: dict[str, Any]) -> Iterator[Any]:
        """Yield the events of a message that were not seen yet."""
        events = [message["event"]] if message["op"] == "ev" else message.get("events", [])
        for event in events:
            there = (event["epoch"], event["seq"])
            if self.position is None or self.position[0] != there[0] or self.position[1] < there[1]:
                self.position = there
                yield event

"""The feed as server-sent events: for networks that break sockets, and for vendors' own programs.

``GET /watch/v1/<slug>/stream`` on the master. A page of the mall comes with its session; a program with its key
(``Authorization: Bearer desk_…``) and without cookies. The messages are those of the socket; each has an id, which a
client that comes back sends as Last-Event-ID (HTML, 9.2).
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils.crypto import constant_time_compare, salted_hmac

from sessions_farm.communities.asgi import HostScope
from sessions_farm.communities.links import origin
from sessions_farm.communities.origins import origins_in, serving_member
from sessions_farm.communities.registry import Member
from sessions_farm.web.asgi import Receive, Scope, Send, host_in
from support_watch.access import Access, KeyAccess, SessionAccess, SessionUnavailableError, Watcher
from support_watch.delivery import Delivery
from support_watch.feed.reads import Position
from support_watch.guard import End, Guard
from support_watch.hub import current_hub

logger = logging.getLogger(__name__)
RETRY_MS = 2_000
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-accel-buffering", b"no"),
    (b"referrer-policy", b"same-origin"),
)
BEARER = "Bearer "


class Stream:
    """Answers one request for the stream; no other origin may read it, and nothing here allows one to (no CORS)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, member = await sync_to_async(self._judge)(scope)
        if status is not HTTPStatus.OK:
            await refuse(send, status)
        elif header(scope, b"authorization"):
            await self._serve(scope, receive, send)
        elif not is_same_origin(scope, member):
            await refuse(send, HTTPStatus.FORBIDDEN)
        else:
            await HostScope(self._serve, loads=False)(scope, receive, send)

    def _judge(self, scope: Scope) -> tuple[HTTPStatus, Member | None]:
        if scope["method"] != "GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, None
        member = serving_member(host_in(scope))
        if member is None:
            return HTTPStatus.MISDIRECTED_REQUEST, None
        return (HTTPStatus.OK if member.is_master else HTTPStatus.NOT_FOUND), member

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        slug, key = scope["url_route"]["kwargs"]["slug"], header(scope, b"authorization")
        access: Access = KeyAccess(key.removeprefix(BEARER), slug) if key else SessionAccess(scope["session"], slug)
        try:
            watcher = await database_sync_to_async(access.check)()
        except (DatabaseError, SessionUnavailableError):
            await refuse(send, HTTPStatus.SERVICE_UNAVAILABLE)
            return
        if watcher is None:
            await refuse(send, HTTPStatus.FORBIDDEN)
            return
        guard = Guard(access, current_hub(), watcher)
        if not await guard.enter():
            await refuse(send, HTTPStatus.TOO_MANY_REQUESTS)
            return
        try:
            await stream_to(send, receive, guard, position_in(header(scope, b"last-event-id"), watcher))
        finally:
            await guard.leave()


async def stream_to(send: Send, receive: Receive, guard: Guard, last: Position | None) -> None:
    """Send the feed until the client goes or its access ends; the last event then names the cause."""
    watcher = guard.watcher

    async def send_event(message: dict[str, Any]) -> None:
        await send_body(send, as_event(message, watcher))

    await send({"type": "http.response.start", "status": 200, "headers": [event_stream(), *HEADERS]})
    await send_body(send, f"retry: {RETRY_MS}\n\n")
    delivery = Delivery(guard.hub, watcher.vendor_id, send_event)
    await delivery.subscribe(last)
    sending = asyncio.create_task(delivery.run())
    ending = asyncio.create_task(guard.wait_for_end())
    gone = asyncio.create_task(disconnected(receive))
    tasks: list[asyncio.Task[Any]] = [sending, ending, gone]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await delivery.unsubscribe()
    if isinstance(results[0], Exception) and not isinstance(results[0], OSError):
        logger.error("A staff stream failed and is closed; its page will reconnect.", exc_info=results[0])
    if not isinstance(results[2], BaseException):
        return
    end = results[1] if isinstance(results[1], End) else End.TRY_LATER
    with suppress(OSError):
        await send_body(send, as_event({"op": "end", "code": end.value}, watcher), more=False)


async def disconnected(receive: Receive) -> bool:
    """Return when the client has gone."""
    while True:
        if (await receive())["type"] == "http.disconnect":
            return True


def event_stream() -> tuple[bytes, bytes]:
    """Return the header that names the kind of the answer."""
    return (b"content-type", b"text/event-stream; charset=utf-8")


def as_event(message: dict[str, Any], watcher: Watcher) -> str:
    """Return a message as one server-sent event; its id is the position that it leads to."""
    text = f"data: {json.dumps(message, separators=(',', ':'))}\n\n"
    if message["op"] == "hb" or "seq" not in message:
        return text
    return f"id: {event_id(Position(message['epoch'], message['seq']), watcher)}\n{text}"


def event_id(position: Position, watcher: Watcher) -> str:
    """Return a position as an id that is good for this vendor and this watcher alone."""
    return f"{position.epoch}-{position.seq}-{seal(watcher)}"


def seal(watcher: Watcher) -> str:
    """Return the mark of a watcher at a vendor."""
    return salted_hmac("support_watch.stream", f"{watcher.vendor_id}|{watcher.holder}", algorithm="sha256").hexdigest()[
        :16
    ]


def position_in(text: str, watcher: Watcher) -> Position | None:
    """Return the position in a Last-Event-ID; None for another vendor's or watcher's, which leads to a snapshot."""
    epoch, _, rest = text.partition("-")
    seq, _, mark = rest.partition("-")
    if not (seq.isascii() and seq.isdigit() and len(seq) < 19 and constant_time_compare(mark, seal(watcher))):
        return None
    return Position(epoch, int(seq))


def is_same_origin(scope: Scope, member: Member | None) -> bool:
    """Return whether a page of this host asks: by Fetch Metadata, or the Origin where a browser sends none.

    An Origin that is sent must be the host's own in any case.
    """
    own = [origin(member.host)] if member is not None else []
    origins, site = origins_in(scope), header(scope, b"sec-fetch-site")
    if site:
        return site == "same-origin" and origins in ([], own)
    return bool(origins) and origins == own


def header(scope: Scope, name: bytes) -> str:
    """Return a header's only value; '' for none or several."""
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return values[0] if len(values) == 1 else ""


async def refuse(send: Send, status: HTTPStatus) -> None:
    """Answer with a status and its words."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *HEADERS]
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        headers.append((b"retry-after", b"15"))
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send_body(send, f"{status.phrase}\n", more=False)


async def send_body(send: Send, text: str, *, more: bool = True) -> None:
    """Send a part of the answer, or its last one."""
    await send({"type": "http.response.body", "body": text.encode(), "more_body": more})

"""Staff screens of both transports, spoken to as a server would: the socket, and the stream of server-sent events."""

import asyncio
import json

from asgiref.testing import ApplicationCommunicator

from support_watch.routing import sockets, streams_beside

ORIGIN = "http://mall.localhost:8000"
OWN_PAGE = {"sec-fetch-site": "same-origin"}
LATE = 60  # seconds that an answer may take on a busy machine


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
        return (await self.receive_output(timeout=LATE))["type"] == "websocket.accept"

    async def disconnect(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=LATE)

    async def say(self, text):
        await self.send_input({"type": "websocket.receive", "text": text})

    async def next_message(self, *operations, seconds=LATE):
        """The next message of one of the operations."""
        async with asyncio.timeout(seconds):
            while True:
                message = json.loads((await self.receive_output(timeout=seconds))["text"])
                if message["op"] in operations:
                    return message

    async def closed_with(self, seconds=LATE):
        async with asyncio.timeout(seconds):
            while True:
                output = await self.receive_output(timeout=seconds)
                if output["type"] == "websocket.close":
                    return output["code"]


def socket(cookie="", slug="fowlers", host="mall.localhost:8000", origin=ORIGIN, path=""):
    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if cookie:
        headers.append((b"cookie", cookie.encode()))
    return Socket(path or f"/ws/watch/{slug}/", headers)


async def subscribe_socket(cookie, last=None):
    """A socket that was let in and subscribed, and what it got first."""
    mine = socket(cookie)
    assert await mine.connect()
    await mine.say(json.dumps({"op": "sub", "last": last}))
    return mine, await mine.next_message("snapshot", "replay")


async def no_pages(_scope, _receive, _send):
    raise AssertionError("only the stream is asked here")


class Stream(ApplicationCommunicator):
    """A client of the event stream. ``last_id`` is the id of the last event that had one."""

    def __init__(self, slug="fowlers", host="mall.localhost:8000", method="GET", **headers):
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items() if value]
        scope = {
            "type": "http",
            "method": method,
            "path": f"/watch/v1/{slug}/stream",
            "query_string": b"",
            "headers": [(b"host", host.encode()), *pairs],
            "client": ["127.0.0.1", 50000],
        }
        super().__init__(streams_beside(no_pages), scope)
        self.last_id, self.blocks = "", []

    async def connect(self):
        """The status of the answer."""
        await self.send_input({"type": "http.request", "body": b"", "more_body": False})
        begun = await self.receive_output(timeout=LATE)
        self.headers = dict(begun["headers"])
        return begun["status"]

    async def disconnect(self):
        await self.send_input({"type": "http.disconnect"})
        await self.wait(timeout=LATE)

    async def next_message(self, *operations, seconds=LATE):
        async with asyncio.timeout(seconds):
            while True:
                message = await self._next(seconds)
                if message["op"] in operations:
                    return message

    async def _next(self, seconds):
        while not self.blocks:
            body = (await self.receive_output(timeout=seconds))["body"].decode()
            self.blocks += [block for block in body.split("\n\n") if "data: " in block]
        lines = dict(line.split(": ", 1) for line in self.blocks.pop(0).splitlines())
        self.last_id = lines.get("id", self.last_id)
        return json.loads(lines["data"])

    async def closed_with(self, seconds=LATE):
        return (await self.next_message("end", seconds=seconds))["code"]


async def subscribe_stream(cookie, last=None):
    """A stream that was let in, and what it got first; ``last`` is the id of the last event that was seen."""
    mine = Stream(cookie=cookie, sec_fetch_site="same-origin", last_event_id=last or "")
    assert await mine.connect() == 200
    return mine, await mine.next_message("snapshot", "replay")


SUBSCRIBE = {"socket": subscribe_socket, "stream": subscribe_stream}

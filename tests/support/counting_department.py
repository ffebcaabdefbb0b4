"""A department's web server in a process of its own: verifies each order, works each key once, counts, and may fail.

Its inbox is in memory, for nobody kills it: what is killed in a test is the sending side.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import multiprocessing
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shipping.envelope import unverified_payload

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass(frozen=True)
class Faults:
    """The shares of orders that are answered 503, and of those that are worked and whose answer is lost."""

    busy: float = 0.0
    lost: float = 0.0


@dataclass
class Books:
    """``arrivals`` counts each key, ``jobs`` how often each consignment was worked."""

    arrivals: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    forged: int = 0
    busy: int = 0
    lost: int = 0

    def take(self, fields: dict[str, str], body: bytes) -> dict[str, str]:
        """Work an order that came for the first time; return the answer to it."""
        key = fields["webhook-id"]
        signed = f"{key}.{fields['webhook-timestamp']}.".encode() + body
        right = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        order = json.loads(unverified_payload(body))
        if fields["webhook-signature"] != f"v1,{right}" or order["key"] != key:
            self.forged += 1
            return {}
        self.arrivals[key] += 1
        self.jobs[order["consignment"]] += self.arrivals[key] == 1
        return {"ack": key}


class Department:
    """The test's side: ``url``, the address of a server that says nothing, and the books."""

    def __init__(self, ports: list[int], questions: Any) -> None:
        self.url, self.silent_url = (f"http://127.0.0.1:{port}/" for port in ports)
        self.questions = questions

    def books(self) -> Books:
        self.questions.send("books")
        found: Books = self.questions.recv()
        return found

    def forget(self) -> None:
        """Begin with empty books."""
        self.questions.send("forget")
        self.questions.recv()  # no order comes before it has


@contextmanager
def running(faults: Faults = Faults()) -> Iterator[Department]:
    """Run a department while the block lasts."""
    context = multiprocessing.get_context("spawn")
    (ports, child_ports), (questions, child_questions) = context.Pipe(), context.Pipe()
    process = context.Process(target=_serve, args=(child_ports, child_questions, faults), daemon=True)
    process.start()
    try:
        yield Department(ports.recv(), questions)
    finally:
        questions.send("end")
        process.join(10)


def _serve(ports: Any, questions: Any, faults: Faults) -> None:
    books, chance = Books(), random.Random(7)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while content := await _respond(reader, books, chance, faults):
                writer.write(content)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        servers = [await asyncio.start_server(each, "127.0.0.1", 0, backlog=512) for each in (answer, silent)]
        ports.send([each.sockets[0].getsockname()[1] for each in servers])
        while (question := await loop.run_in_executor(None, questions.recv)) != "end":
            if question == "books":
                questions.send(books)
            else:
                vars(books).update(vars(Books()))
                questions.send("forgotten")
        os._exit(0)  # the silent connections would be waited for

    asyncio.run(main())


async def _respond(reader: asyncio.StreamReader, books: Books, chance: random.Random, faults: Faults) -> bytes:
    """Read a request and return its answer; empty where it gets lost."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:]
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
    body = await reader.readexactly(int(fields["content-length"]))
    luck = chance.random()
    if luck < faults.busy:
        books.busy += 1
        return b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    content = json.dumps(books.take(fields, body)).encode()
    if luck < faults.busy + faults.lost:
        books.lost += 1
        return b""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)

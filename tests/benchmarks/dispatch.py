"""``python -m tests.benchmarks.dispatch``: dispatches a second over HTTP, beside a bare loop of the same requests.

Every delivery is verified at the receiver: its signature, its key, each key once. The bare loop has the bodies and
secrets in memory, as many requests under way and the same client; it writes nothing. The neighbours' p99 is the time
from due to sent of vendors beside eight whose servers take connections and say nothing, over that of a quiet run.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from deploy import servers
from shipping.envelope import unverified_payload

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
COUNT = int(os.environ.get("DISPATCHES", "4000"))
VENDORS, DARK, ROUNDS = 16, 8, 3


async def respond(reader: asyncio.StreamReader, keys: Counter[str]) -> bytes:
    """Read a request and return its answer; count its key where its signature is right."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:]
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
    body = await reader.readexactly(int(fields["content-length"]))
    key = fields["webhook-id"]
    signed = f"{key}.{fields['webhook-timestamp']}.".encode() + body
    right = base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    good = f"v1,{right}" == fields["webhook-signature"] and json.loads(unverified_payload(body))["key"] == key
    keys[key if good else "forged"] += 1
    content = json.dumps({"ack": key}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)


def receive(port: Any, questions: Any) -> None:
    """Serve signed orders on an event loop and count the keys; in a process of its own."""
    keys: Counter[str] = Counter()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(await respond(reader, keys))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loud = await asyncio.start_server(answer, "127.0.0.1", 0)
        dark = await asyncio.start_server(silent, "127.0.0.1", 0)
        port.send([each.sockets[0].getsockname()[1] for each in (loud, dark)])
        while await loop.run_in_executor(None, questions.recv) == "keys":
            questions.send(dict(keys))
            keys.clear()
        os._exit(0)  # the silent connections would be waited for

    asyncio.run(main())


@contextmanager
def receiver() -> Iterator[tuple[list[int], Any]]:
    """Run the receiver; yield the ports of the one that answers and of the silent one, and the way to ask for keys."""
    context = multiprocessing.get_context("spawn")
    (port, child_port), (questions, child_questions) = context.Pipe(), context.Pipe()
    process = context.Process(target=receive, args=(child_port, child_questions), daemon=True)
    process.start()
    try:
        yield port.recv(), questions
    finally:
        questions.send("end")
        process.join(10)


def ask_keys(questions: Any) -> dict[str, int]:
    questions.send("keys")
    found: dict[str, int] = questions.recv()
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, servers.running(Path(folder), durable=False, say=say) as running:
        os.environ |= {
            "DATABASE_URL": running.database_url,
            "REDIS_URL": running.redis_url,
            "SECRET_KEY": "x" * 50,
            "DJANGO_SETTINGS_MODULE": "mall.settings",
            "EGRESS_ALLOW": "127.0.0.0/8",
            "DB_POOL": "0",
        }
        import django  # noqa: PLC0415 -- the settings read the environment

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 -- app ready

        call_command("migrate", verbosity=0)
        with receiver() as (ports, questions):
            compare(ports, questions)
            neighbours(ports, questions)


def compare(ports: list[int], questions: Any) -> None:
    """Print dispatches a second, the bare loop's, their ratio, and statements an item."""
    from tests.benchmarks import dispatch_world  # noqa: PLC0415 -- app ready

    world = dispatch_world.World(VENDORS, f"http://127.0.0.1:{ports[0]}/", SECRET)
    rates, bares, statements = [], [], 0.0
    for _ in range(ROUNDS):
        keys = world.write(COUNT)
        took, statements = world.drain()
        verify(questions, keys)
        rates.append(COUNT / took)
        bodies = world.bodies(keys)
        begun = time.perf_counter()
        asyncio.run(world.bare_loop(bodies))
        bares.append(COUNT / (time.perf_counter() - begun))
        verify(questions, keys)
    rate, bare = median(rates), median(bares)
    say(f"Dispatches a second {rate:.0f}, bare loop {bare:.0f}, ratio {rate / bare:.2f};")
    say(f"statements an item {statements:.2f}; each delivery verified at the receiver.")


def verify(questions: Any, keys: list[str]) -> None:
    got = ask_keys(questions)
    if got != dict.fromkeys(keys, 1):
        wrong = sum(got.get(key) != 1 for key in keys)
        raise SystemExit(
            f"Not each delivery was made once: {wrong} of {len(keys)} wrong, {got.get('forged', 0)} forged."
        )


def neighbours(ports: list[int], questions: Any) -> None:
    """Print the p99 of the time to send of vendors beside dark ones, over that of a quiet run."""
    from tests.benchmarks import dispatch_world  # noqa: PLC0415 -- app ready

    world = dispatch_world.World(VENDORS, f"http://127.0.0.1:{ports[0]}/", SECRET)
    ratios = []
    for _ in range(ROUNDS):
        quiet = p99(world.waits(COUNT // 4, rate=100))
        dark = dispatch_world.World(DARK, f"http://127.0.0.1:{ports[1]}/", SECRET, first=VENDORS)
        dark.write(DARK * 20)
        ratios.append((p99(world.waits(COUNT // 4, rate=100)), quiet))
        dark.clear()
    ask_keys(questions)
    beside, alone = (median(column) for column in zip(*ratios, strict=True))
    say(f"Neighbours' p99 {1000 * beside:.0f} ms, quiet {1000 * alone:.0f} ms, ratio {beside / alone:.2f}")


def p99(waits: list[float]) -> float:
    return quantiles(waits, n=100)[98]


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

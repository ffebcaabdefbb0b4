"""Peers that hang, each in its own way, on one event loop in a thread."""

import asyncio
import contextlib
import socket
import threading

RATE = 0.02  # seconds between two pieces


async def endless_greeting(reader, writer):
    """Greet for ever, as RFC 5321 allows a server to."""
    while True:
        writer.write(b"220-one moment\r\n")
        await writer.drain()
        await asyncio.sleep(RATE)


async def drip(reader, writer, begin=b"HTTP/1.1 200 OK\r\nX-Slow: "):
    """Answer a byte at a time."""
    for byte in begin + b"x" * 10**6:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(RATE)


async def drip_greeting(reader, writer):
    """Greet a byte at a time."""
    await drip(reader, writer, b"220 ")


async def silent(reader, writer):
    """Take the connection and say nothing."""
    await asyncio.sleep(3600)


class HangingPeers:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.servers = []
        self.deaf = socket.socket()
        self.deaf.bind(("0.0.0.0", 0))
        self.deaf.listen(0)
        self.callers = [socket.socket() for _ in range(4)]
        for caller in self.callers:  # fill its queue: whoever comes now gets no answer to the SYN
            caller.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                caller.connect(("127.0.0.2", self.deaf_port))

    @property
    def deaf_port(self):
        return self.deaf.getsockname()[1]

    def start(self, manner):
        """Listen on a port of its own; return the port."""

        async def guarded(reader, writer):
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await manner(reader, writer)
            writer.close()

        async def listen():
            return await asyncio.start_server(guarded, "127.0.0.1", 0)

        self.servers.append(server := asyncio.run_coroutine_threadsafe(listen(), self.loop).result(60))
        return server.sockets[0].getsockname()[1]

    def release(self):
        """Hang up on everybody, and take no more; return a future."""

        async def cancel():
            for server in self.servers:
                server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        return asyncio.run_coroutine_threadsafe(cancel(), self.loop)

    def stop(self):
        self.release().result(60)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(60)
        self.loop.close()
        for one in (self.deaf, *self.callers):
            one.close()

"""The line to a server with a meter on it: bytes sent, and round trips."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db import connection


@dataclass
class Meter:
    """``sent``: bytes to the server. ``trips``: how often a client spoke after it had been answered."""

    port: int = 0
    sent: int = 0
    trips: int = 0


@contextmanager
def metered(host: str, port: int) -> Iterator[Meter]:
    """Stand before ``host:port`` (or the socket in the folder ``host``) while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        meter = Meter(listener.getsockname()[1])
        threading.Thread(target=serve, args=(listener, host, port, meter), daemon=True).start()
        yield meter


@contextmanager
def metered_redis(url: str) -> Iterator[tuple[str, Meter]]:
    """The address to use instead of ``url``."""
    parts = urlsplit(url)
    with metered(parts.hostname or "127.0.0.1", parts.port or 6379) as meter:
        login = parts.netloc.rpartition("@")[0]
        yield parts._replace(netloc=f"{login}@127.0.0.1:{meter.port}").geturl(), meter


@contextmanager
def metered_database() -> Iterator[Meter]:
    """Django's own connection goes through the meter while the block runs."""
    before = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    with metered(before["HOST"] or "/var/run/postgresql", int(before["PORT"] or 5432)) as meter:
        connection.close()
        connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(meter.port)}
        try:
            yield meter
        finally:
            connection.close()
            connection.settings_dict |= before


def serve(listener: socket.socket, host: str, port: int, meter: Meter) -> None:
    with suppress(OSError):  # the listener is closed when the block is left
        while True:
            near, _ = listener.accept()
            threading.Thread(target=carry, args=(near, reach(host, port), meter), daemon=True).start()


def reach(host: str, port: int) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    far = socket.socket(socket.AF_UNIX)
    far.connect(f"{host}/.s.PGSQL.{port}")
    return far


def carry(near: socket.socket, far: socket.socket, meter: Meter) -> None:
    answered = True
    with near, far, selectors.DefaultSelector() as selector, suppress(OSError):
        selector.register(near, selectors.EVENT_READ, far)
        selector.register(far, selectors.EVENT_READ, near)
        while True:
            for ready, _ in selector.select():
                source: socket.socket = ready.fileobj  # type: ignore[assignment]  # we registered sockets
                content = source.recv(65536)
                if not content:
                    return
                if source is near:
                    meter.sent += len(content)
                    meter.trips += answered
                answered = source is far
                ready.data.sendall(content)

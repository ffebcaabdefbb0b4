"""Ports that stay a test's own, whether or not anything listens there."""

from __future__ import annotations

import socket
import weakref


def own_port(owner: object) -> int:
    """Return a port of 127.0.0.1 that nobody else is given as long as ``owner`` lives.

    The socket that keeps it does not listen, and lets one beside it do so (SO_REUSEADDR). Else another process could
    take the port before a server is started, or while it is killed: a server too, or a connection going out.
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    weakref.finalize(owner, keeper.close)
    return int(keeper.getsockname()[1])

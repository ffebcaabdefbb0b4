"""One web node of the demo: a process with a listening socket of its own on the address that all nodes share.

The kernel gives each new connection to one of the sockets that listen (SO_REUSEPORT). The socket goes with its
process: a node that dies loses the requests that it was answering, and no others. Where TLS_CERT and TLS_KEY name a
certificate's files, the node speaks TLS itself.
"""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, Scope


def shared_socket(port: int) -> socket.socket:
    """Return a socket bound to the port and not yet listening: the kernel gives it no connection before it listens."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def one_request_each(application: Any) -> Any:
    """Close a connection after its answer: the next request may go to another node, and no idle one is ever cut."""

    async def closing(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def send_closing(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await application(scope, receive, send_closing if scope["type"] == "http" else send)

    return closing


class Node(uvicorn.Server):
    """A server that writes a file once it listens; the supervisor waits for the file."""

    ready_file = Path(os.environ.get("READY_FILE", os.devnull))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready_file.write_text(str(os.getpid()))


def main(port: int) -> None:
    from mall.asgi import application  # noqa: PLC0415 -- loads the whole project

    config = uvicorn.Config(
        one_request_each(application),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        ssl_certfile=os.environ.get("TLS_CERT"),
        ssl_keyfile=os.environ.get("TLS_KEY"),
    )
    Node(config).run(sockets=[shared_socket(port)])


if __name__ == "__main__":
    main(int(sys.argv[1]))

"""A node that is killed -9 at a point of a request: before or behind its n-th commit.

``MortalNodes`` is the test's side. The program (``python -m tests.support.mortal_node``) loads the project once and
forks for each node, which listens on a port of its own and answers one request after another.
"""

import contextlib
import json
import os
import signal
import sys
from wsgiref.simple_server import WSGIServer

import django
from django.core.servers.basehttp import WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from tests.support.mortal import ForkingProgram


class MortalNodes(ForkingProgram):
    """Starts nodes that die at a point, one after another."""

    def __init__(self):
        super().__init__(__name__)
        self.pid = 0

    def start(self, kill: int) -> int:
        """Start a node that dies at a point, by its number; its port."""
        self.tell(str(kill))
        said = self.hear()
        self.pid = said["pid"]
        return said["port"]

    def has_died(self) -> bool:
        """End the node; whether it was killed at its point before."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        return self.hear()["signal"] == signal.SIGKILL


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def serve(kill: int, application) -> None:
    """In a process of its own: answer requests until the point, or until it is ended."""
    from tests.support.mortal_acts import Points  # noqa: PLC0415 -- Django is ready by now

    server = WSGIServer(("127.0.0.1", 0), QuietHandler)
    server.set_app(application)
    Points(kill).watch()
    sys.stdout.write(json.dumps({"pid": os.getpid(), "port": server.server_port}) + "\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.05)


def main():
    django.setup()
    application = get_wsgi_application()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            serve(int(line), application)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(json.dumps({"signal": -os.waitstatus_to_exitcode(status)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

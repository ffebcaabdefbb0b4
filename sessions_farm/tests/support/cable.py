"""The line to a server, held in the test's hand: trips are counted; it can be cut, clogged or lose an answer."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from urllib.parse import urlsplit

from sessions_farm.tests.support.ports import own_port


class Cable:
    """A TCP proxy before ``host:port`` (or a socket in the folder ``host``, as PostgreSQL has it).

    ``trips`` counts how often a client spoke after it had been answered: round trips, whatever the protocol.
    ``cut`` refuses, ``clogged`` accepts and never answers, ``lose_answer`` drops the next answer: the server has done
    the work and the client cannot know.
    """

    def __init__(self, host, port):
        self.target = (host, port)
        self.clogged = self.loses = False
        self.trips = 0
        self.listener = self.pairs = None
        self.address = ("127.0.0.1", own_port(self))
        self.mend()

    def mend(self):
        if self.listener is None:
            self.listener = socket.create_server(self.address, reuse_port=False)
            self.pairs = []
            threading.Thread(target=self._serve, args=(self.listener, self.pairs), daemon=True).start()
        self.clogged = False

    def cut(self):
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            for end in [end for pair in self.pairs for end in pair]:
                hang_up(end)  # who carries between them closes them

    def lose_answer(self):
        self.loses = True

    def _serve(self, listener, pairs):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = self._reach()
            except OSError:
                near.close()
                continue
            pairs.append((near, far))
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()
            if listener is not self.listener:  # it was cut meanwhile
                hang_up(near)
                hang_up(far)

    def _reach(self):
        host, port = self.target
        if not host.startswith("/"):
            return socket.create_connection(self.target)
        far = socket.socket(socket.AF_UNIX)
        far.connect(f"{host}/.s.PGSQL.{port}")
        return far

    def _carry(self, near, far):
        answered = True
        with near, far, selectors.DefaultSelector() as selector, contextlib.suppress(OSError, ValueError):
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            while True:
                for ready, _ in selector.select():
                    content = ready.fileobj.recv(65536)
                    if not content:
                        hang_up(ready.data)
                        return
                    if ready.fileobj is near and answered:
                        self.trips += 1
                    answered = ready.fileobj is far
                    if answered and self.loses:
                        self.loses = False
                        hang_up(near)
                        hang_up(far)
                        return
                    while self.clogged:
                        time.sleep(0.005)
                    ready.data.sendall(content)


class RedisCable(Cable):
    def __init__(self, url):
        self.parts = urlsplit(url)
        super().__init__(self.parts.hostname, self.parts.port)

    @property
    def url(self):
        login, at, _ = self.parts.netloc.rpartition("@")
        return self.parts._replace(netloc=f"{login}{at}{self.address[0]}:{self.address[1]}").geturl()


class DatabaseCable(Cable):
    """The line of one of Django's connections (PostgreSQL), from the next query on until ``unplug``."""

    def __init__(self, connection):
        self.connection = connection
        self.before = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
        super().__init__(self.before["HOST"] or "/var/run/postgresql", int(self.before["PORT"] or 5432))
        connection.close()
        connection.settings_dict |= {"HOST": self.address[0], "PORT": self.address[1]}

    def unplug(self):
        self.connection.close()
        self.connection.settings_dict |= self.before
        self.cut()


def hang_up(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)

"""The way of a test's browser to nodes that run: over a socket, to one address for every host, as a balancer hears it.

``BrowserClient(transport=Wire(port, forwarded_proto="https"))``: TLS ends before the nodes, which hear of it by
X-Forwarded-Proto. ``Wire(port, tls=client_tls(ca_file))``: the nodes speak TLS, and hear the host's name first (SNI).
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from http.cookies import SimpleCookie
from typing import Any

from django.http.response import ResponseHeaders

from sessions_farm.testing.browser import Outgoing

ANSWER_WITHIN = 30.0  # seconds
PAUSE = 0.5  # seconds before a request is tried again: the socket of a node that was killed outlives it by some


class WireResponse:
    """What a node answered."""

    def __init__(self, status_code: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.status_code = status_code
        self.headers = ResponseHeaders({name: value for name, value in headers if name.lower() != "set-cookie"})
        self.content = content
        self.cookies = cookies_of([value for name, value in headers if name.lower() == "set-cookie"])

    def __getitem__(self, name: str) -> Any:
        return self.headers[name]

    def __contains__(self, name: str) -> bool:
        return name in self.headers


class Wire:
    """Sends each request on a connection of its own. What a node that died left unanswered is tried once more.

    That is only done for a GET, as balancers do: of anything else nobody knows whether it was carried out, so it
    raises ConnectionError, and who sent it decides.
    """

    def __init__(
        self,
        port: int,
        *,
        address: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        forwarded_proto: str = "",
    ) -> None:
        self.port, self.address, self.tls, self.forwarded_proto = port, address, tls, forwarded_proto

    def send(self, request: Outgoing) -> WireResponse:
        try:
            return self._ask(request)
        except ConnectionError:
            if request.method != "GET":
                raise
        time.sleep(PAUSE)
        return self._ask(request)

    def _ask(self, request: Outgoing) -> WireResponse:
        try:
            with self._connect(request.host) as line:
                return self._exchange(line, request)
        except (http.client.HTTPException, ssl.SSLEOFError) as error:
            raise ConnectionError(f"{request.method} {request.url.geturl()} was cut off: {error}") from error

    def _connect(self, host: str) -> socket.socket:
        line = socket.create_connection((self.address, self.port), ANSWER_WITHIN)
        try:
            return self.tls.wrap_socket(line, server_hostname=host) if self.tls else line
        except OSError:
            line.close()
            raise

    def _exchange(self, line: socket.socket, request: Outgoing) -> WireResponse:
        connection = http.client.HTTPConnection(request.host)
        connection.sock = line
        headers = request.headers | self._forwarded_headers(request) | {"Host": request.url.netloc}
        connection.request(request.method, request.target, request.body or None, headers)
        with connection.getresponse() as answer:  # it holds the line, also where the body is cut off
            return WireResponse(answer.status, answer.getheaders(), answer.read())

    def _forwarded_headers(self, request: Outgoing) -> dict[str, str]:
        if not self.forwarded_proto:
            return {}
        return {"X-Forwarded-Proto": self.forwarded_proto, "X-Forwarded-For": request.address}


def client_tls(ca_file: str | None) -> ssl.SSLContext:
    """TLS that believes certificates of one authority; None believes any."""
    context = ssl.create_default_context(cafile=ca_file)
    if ca_file is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def cookies_of(headers: list[str]) -> SimpleCookie:
    """All cookies that an answer sets. Raise ValueError for one that cannot be read: it would be lost unseen."""
    cookies = SimpleCookie()
    for header in headers:
        one = SimpleCookie()
        one.load(header)
        if len(one) != 1:
            raise ValueError(f"Not one cookie but {len(one)} in Set-Cookie: {header!r}")
        cookies.update(one)
    return cookies

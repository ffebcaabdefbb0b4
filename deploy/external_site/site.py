"""The Lantern Post: a small magazine outside the farm that greets the shoppers of the mall.

    python site.py --port 9200 --origin http://lanternpost.localhost:9200 --mall http://mall.localhost:8000 \
        --dial http://127.0.0.1:8000 --secret-file ./secret

``--origin`` and ``--mall`` are the addresses that browsers know; ``--dial`` is where this program reaches the mall, if
not there. Its name at the mall is the origin's host. Needs only Python.
"""

import argparse
import logging
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pages
from mall_client import MallClient

HEADERS = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Vary": "Cookie, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Purpose, Sec-GPC",
    "X-Content-Type-Options": "nosniff",
}
REDIRECT_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class Magazine(BaseHTTPRequestHandler):
    client: MallClient
    timeout = 20

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if self.headers.get("Host") != urlsplit(self.client.origin).netloc:
            return self.lead(self.client.origin + "/")
        if static := pages.static(path):
            return self.answer(200, *static, {"Cache-Control": "max-age=300"})
        visit = self.client.visit(self.command, self.path, self.headers)
        if visit.redirect:
            return self.lead(visit.redirect, visit.cookies)
        status, page = pages.page(path, self.client.mall, visit.facts)
        return self.answer(status, "text/html; charset=utf-8", page.encode(), HEADERS)

    def do_HEAD(self) -> None:
        self.do_GET()

    def lead(self, address: str, cookies: tuple[str, ...] = ()) -> None:
        self.send_response(303)
        for name, value in (REDIRECT_HEADERS | {"Location": address, "Content-Length": "0"}).items():
            self.send_header(name, value)
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()

    def answer(self, status: int, kind: str, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: an address may hold a code."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def as_browsers_write(origin: str) -> str:
    """Without a default port: so it comes back from the mall, and in the Host header."""
    return origin.removesuffix(":443" if origin.startswith("https:") else ":80")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--origin", type=as_browsers_write, required=True, help="this site as browsers know it")
    parser.add_argument("--mall", type=as_browsers_write, required=True, help="the mall as browsers know it")
    parser.add_argument("--dial", default="", help="where this program reaches the mall; its own address if not given")
    parser.add_argument("--secret-file", type=Path, required=True, help="holds what the mall gave for this site")
    options = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s")
    secret = options.secret_file.read_text().strip()
    Magazine.client = MallClient(options.origin, options.mall, secret, options.dial)
    server = Server((options.host, options.port), Magazine)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on http://{options.host}:{server.server_port}", flush=True)  # noqa: T201 -- a program's voice
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()

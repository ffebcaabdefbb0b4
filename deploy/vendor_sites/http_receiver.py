"""A shipping department's web server: takes signed orders of the mall and works each once.

    python http_receiver.py --port 9101 --inbox ./inbox --secret-file ./secret --keys ./keys

Checks the signature of the request (Standard Webhooks 1.0.0) and that of the order in it, writes the order into
``inbox/orders.sqlite``, ``inbox/<key>.json`` and ``inbox/orders.log``, and answers with the key, what became of it, and
a signed receipt: ``{"ack": "<key>", "outcome": "applied", "receipt": "…"}``. Needs only Python, order_inbox.py and
signed_document.py; where the mall signs by a key of its own (``whpk_…`` in the secret's file), also the library
cryptography. With ``--mall`` the receipt is brought to the mall later, as a call-back, and kept until it is there.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import signal
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mall_client import Mall, MallError
from order_inbox import Inbox, InvalidOrderError, OrderConflictError
from signed_document import MAX_BYTES, ForgedDocumentError, KeyFile, printable, public_key, verifies

TOLERANCE = 5 * 60  # seconds between their clock and ours


class ForgedRequestError(ValueError):
    """The request is not signed with our secret, or not now."""


def verify(headers: object, body: bytes, secret: str) -> None:
    """Raise ForgedRequestError unless the headers sign this very body; one good signature of several is enough."""
    key, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()) or abs(time.time() - int(stamp)) > TOLERANCE:
        raise ForgedRequestError("The timestamp is missing or more than five minutes off.")
    signed = f"{key}.{stamp}.".encode() + body
    for candidate in headers.get("webhook-signature", "").split(" "):
        version, _, text = candidate.partition(",")
        try:
            if any(fits(line, version, signed, base64.b64decode(text, validate=True)) for line in secret.split()):
                return
        except binascii.Error:
            continue
    raise ForgedRequestError("No signature fits.")


def fits(secret: str, version: str, signed: bytes, signature: bytes) -> bool:
    """Whether a signature of this version is of one secret, or of one public key."""
    name, _, text = secret.partition("_")
    if (name, version) == ("whsec", "v1"):
        return hmac.compare_digest(hmac.new(base64.b64decode(text), signed, hashlib.sha256).digest(), signature)
    return (name, version) == ("whpk", "v1a") and verifies(public_key(base64.b64decode(text)), signed, signature)


class Callbacks:
    """Receipts that wait to be brought to the mall: in the books' own folder, so that a restart loses none."""

    def __init__(self, folder: Path, mall: Mall) -> None:
        self.folder, self.mall = folder / "receipts", mall
        self.folder.mkdir(exist_ok=True)
        self.came = threading.Event()

    def add(self, key: str, receipt: str) -> None:
        part = self.folder / f".{key}.{threading.get_ident()}.part"
        part.write_text(receipt)
        part.replace(self.folder / f"{key}.json")
        self.came.set()

    def bring_all(self) -> None:
        """Bring the receipts that wait; set those aside which the mall refuses for good."""
        for file in sorted(self.folder.glob("csg_*.json")):
            try:
                self.mall.ask("POST", "receipts", json.loads(file.read_text()))
            except MallError as error:
                print(printable(error), file=sys.stderr, flush=True)
                if error.status not in {401, 404}:
                    return  # it is away: all of them wait
                file.replace(file.with_suffix(".refused"))
                continue
            file.unlink()

    def run(self) -> None:
        while True:
            self.came.wait(5)
            self.came.clear()
            try:
                self.bring_all()
            except (OSError, ValueError) as error:  # a full disk, a file that somebody spoiled
                print(printable(error), file=sys.stderr, flush=True)


class Books:
    """The inbox and its copies for people: one JSON file an order, and a log."""

    def __init__(self, folder: Path, keys: KeyFile, callbacks: Callbacks | None = None) -> None:
        self.folder = folder
        self.callbacks = callbacks
        self.inbox = Inbox(folder / "orders.sqlite", keys)
        self.log = folder / "orders.log"
        self.writing = threading.Lock()
        # A crash between the commit and the log leaves a line out; the database has them all.
        self._write(self.log, "".join(f"{line}\n" for line in self.inbox.lines()).encode())

    def take(self, content: bytes) -> dict[str, object]:
        taken = self.inbox.take(content)
        body = self.inbox.body(taken.key)
        if body and taken.outcome != "duplicate":
            self._write(self.folder / f"{taken.key}.json", body)
        if body and taken.outcome == "applied":
            with self.writing, self.log.open("a", encoding="utf-8") as log:
                log.write(f"{self.inbox.line(taken.key)}\n")
        if self.callbacks is not None and body:
            self.callbacks.add(taken.key, taken.receipt)
            return {"taken": taken.key}
        return {"ack": taken.key, "outcome": taken.outcome, "receipt": taken.receipt}

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        part = path.with_name(f".{path.name}.{threading.get_ident()}.part")
        part.write_bytes(content)
        part.replace(path)


STATUSES = {ForgedRequestError: 401, ForgedDocumentError: 401, InvalidOrderError: 422, OrderConflictError: 400}


class Receiver(BaseHTTPRequestHandler):
    books: Books
    secret: str
    timeout = 20

    def do_GET(self) -> None:
        self.answer(200 if self.path == "/healthz" else 404, {})

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            return self.answer(411, {"error": "Say the length of the body."})
        if len(length) > 9 or int(length) > MAX_BYTES:
            return self.answer(413, {"error": f"More than {MAX_BYTES} bytes."})
        body = self.rfile.read(int(length))
        try:
            verify(self.headers, body, self.secret)
            return self.answer(200, self.books.take(body))
        except tuple(STATUSES) as error:
            return self.answer(STATUSES[type(error)], {"error": str(error)})
        except (OSError, sqlite3.OperationalError) as error:  # a full disk: the mall keeps it, and sends it again
            print(printable(error), file=sys.stderr, flush=True)
            return self.answer(503, {"error": "The books cannot be written now."})

    def answer(self, status: int, document: dict[str, object]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal: the log is in the inbox."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up before our answer will send again; everything else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--inbox", type=Path, required=True)
    parser.add_argument(
        "--secret-file", type=Path, required=True, help="holds whsec_… or whpk_… as the mall's route has it"
    )
    parser.add_argument("--keys", type=Path, required=True, help="the key file; signed_document.py says its form")
    parser.add_argument("--mall", default="", help="https://… of the pickup API: bring receipts there, as call-backs")
    parser.add_argument("--vendor", default="", help="the shop, where the key file has several")
    parser.add_argument("--dial", default="", metavar="HOST:PORT", help="where the mall's name cannot be resolved")
    options = parser.parse_args()
    options.inbox.mkdir(parents=True, exist_ok=True)
    Receiver.secret = options.secret_file.read_text().strip()
    keys = KeyFile(options.keys)
    callbacks = (
        Callbacks(options.inbox, Mall(options.mall, keys, options.vendor, options.dial)) if options.mall else None
    )
    if callbacks:
        threading.Thread(target=callbacks.run, daemon=True).start()
    Receiver.books = Books(options.inbox, keys, callbacks)
    server = Server((options.host, options.port), Receiver)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on http://{options.host}:{server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()

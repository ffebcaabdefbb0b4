"""A mall with vendors and orders, and real shipping departments to send to."""

import base64
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone
from model_bakery import baker

from cart.orders.models import Consignment, Order, OrderLine
from cart.orders.signals import order_finalising
from deploy.servers.processes import free_port
from sessions_farm.communities.models import Community, Domain
from shipping.envelope import HMAC_SHA256, SigningKey, unverified_payload
from shipping.models import Dispatch
from shipping.services import set_up_route
from shipping.signing_keys import add_key
from tests.support import certificates
from tests.support.certificates import make_certificate
from vendors.models import Marketplace, Vendor

SITES = Path(__file__).parents[3] / "deploy" / "vendor_sites"
ANY = 0  # of the ports: the program takes a free one, and says which
numbers = count(1)

os.environ["AIOSMTPD_CONTROLLER_TIMEOUT"] = "60"  # seconds for a mail server to start; its own are too few in a crowd


@pytest.fixture
def marketplace(db):
    community = Community.objects.create(slug="mall", name="The mall", cookie_name="mall")
    community.master = Domain.objects.create(community=community, host="mall.localhost", status="active")
    community.save()
    return Marketplace.objects.create(community=community, currency="EUR")


@pytest.fixture
def make_vendor(marketplace):
    def make(slug="fowlers"):
        return Vendor.objects.create(marketplace=marketplace, slug=slug, name=slug.title(), status="published")

    return make


@pytest.fixture
def vendor(make_vendor):
    return make_vendor()


def signing_key(vendor):
    """The key that a shop of the tests and its department share."""
    return SigningKey(vendor, HMAC_SHA256, f"the key of {vendor}".encode().ljust(32, b"."))


def write_keys(path, *vendors):
    path.write_text("".join(f"{signing_key(vendor).line}\n" for vendor in vendors))
    return path


def order_in(content):
    """The order in a signed document, as data."""
    return json.loads(unverified_payload(content))


@pytest.fixture
def place_order(marketplace):
    """Place an order as the checkout does: all rows and the joining signal in one transaction."""

    def place(*vendors, now=None, sku="TEA-1", name="Assam", **fields):
        now = now or timezone.now()
        number = f"M-{next(numbers):05}"
        with transaction.atomic():
            values = {"name": "Anna Byrne", "line1": "1 Main Street", "town": "Sligo", "email": "anna@example.org"}
            order = baker.make(
                Order,
                number=number,
                marketplace=marketplace,
                state=Order.State.PLACED,
                placed_at=now,
                currency="EUR",
                idempotency_key=number,
                goods_total=2400 * len(vendors),
                delivery_total=450 * len(vendors),
                total=2850 * len(vendors),
                **(values | fields),
            )
            for part, seller in enumerate(vendors, 1):
                consignment = baker.make(
                    Consignment,
                    order=order,
                    vendor=seller,
                    number=f"{number}-{part}",
                    state=Consignment.State.OPEN,
                    placed_at=now,
                    delivery_charge=450,
                    goods_total=2400,
                )
                baker.make(
                    OrderLine, consignment=consignment, variant=None, sku=sku, name=name, quantity=2, unit_price=1200
                )
            order_finalising.send(Order, order=order, now=now)
        return order

    return place


@pytest.fixture
def dispatch_of():
    return lambda order: Dispatch.objects.get(consignment__order=order)


@pytest.fixture
def route_to(vendor):
    """The vendor's route over a transport, with settings that a peer gives."""

    def make(transport, config, secrets=None, seller=None):
        add_key(vendor=seller or vendor, key=signing_key((seller or vendor).slug))
        return set_up_route(
            vendor=seller or vendor, transport=transport, config=config, secrets=secrets or {}, now=timezone.now()
        )

    return make


@pytest.fixture
def unused_tcp_port():
    """As the plugin's, and no connection going out is given it before a program listens there."""
    return free_port()


def port_in(line):
    """The port of the line in which a program says where it listens."""
    assert line.startswith("listening on "), line
    return int(line.rpartition(":")[2])


@contextmanager
def running(script, *arguments):
    """One of the vendors' programs, until the block ends; gives the process, with its port, once it listens."""
    command = [sys.executable, str(SITES / script), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.port = port_in(process.stdout.readline())
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@contextmanager
def at_work(department):
    """A department whose program runs until the block ends."""
    with running(*department.program) as department.process:
        department.port = department.process.port
        yield department


class HttpDepartment:
    """deploy/vendor_sites/http_receiver.py, and what stands in its books."""

    def __init__(self, folder):
        self.folder = folder
        self.port = ANY
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        (folder / "secret").write_text(self.secret)
        self.keys = folder / "keys"
        write_keys(self.keys, "fowlers")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/orders"

    @property
    def program(self):
        inbox = self.folder / "inbox"
        secret = self.folder / "secret"
        return ("http_receiver.py", "--port", self.port, "--inbox", inbox, "--secret-file", secret, "--keys", self.keys)

    def rows(self, query):
        with closing(sqlite3.connect(self.folder / "inbox" / "orders.sqlite")) as books:
            return books.execute(query).fetchall()

    @property
    def jobs(self):
        """How often each consignment was worked: {root: times}."""
        return dict(self.rows("SELECT root, count(*) FROM jobs GROUP BY root"))

    @property
    def arrivals(self):
        """How often each key arrived."""
        return dict(self.rows("SELECT key, times FROM inbox"))


@pytest.fixture
def merge(tmp_path):
    """Run the vendor's merge tool with the keys of the shops; gives the ended process."""
    keys = write_keys(tmp_path / "merge_keys", "fowlers", "noblebarney", "thistle")

    def run(*arguments):
        command = [sys.executable, SITES / "mall_merge.py", "--keys", keys, *arguments]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture
def http_department(tmp_path):
    with at_work(HttpDepartment(tmp_path)) as department:
        yield department


class SftpDepartment:
    """deploy/vendor_sites/sftp_server.py with one user."""

    def __init__(self, folder):
        self.folder = folder
        self.port = ANY
        self.password = secrets.token_urlsafe(12)
        (folder / "password").write_text(self.password)
        self.inbox = folder / "files" / "thistle" / "inbox"

    @property
    def program(self):
        key, password = self.folder / "host_key", self.folder / "password"
        options = ("--root", self.folder / "files", "--host-key", key, "--user", "thistle", "--password-file", password)
        return ("sftp_server.py", "--port", self.port, *options)

    @property
    def config(self):
        host_key = (self.folder / "host_key.pub").read_text()
        return {"host": "127.0.0.1", "port": self.port, "user": "thistle", "host_key": host_key}

    @property
    def files(self):
        return sorted(path for path in self.inbox.iterdir() if path.is_file())


@pytest.fixture
def sftp_department(tmp_path):
    with at_work(SftpDepartment(tmp_path)) as department:
        yield department


class FtpDepartment:
    """deploy/vendor_sites/ftp_server.py with one user; encrypted where it has a certificate."""

    def __init__(self, folder, certificate=None):
        self.folder, self.port, self.certificate = folder, ANY, certificate
        self.password = secrets.token_urlsafe(12)
        (folder / "ftp_password").write_text(self.password)
        self.inbox = folder / "ftp_files" / "inbox"

    @property
    def program(self):
        files, password = self.folder / "ftp_files", self.folder / "ftp_password"
        tls = ("--certificate", self.certificate, "--certificate-key", self.certificate) if self.certificate else ()
        own = ("--root", files, "--user", "thistle", "--password-file", password)
        return ("ftp_server.py", "--port", self.port, *own, *tls)

    @property
    def config(self):
        host = certificates.HOST if self.certificate else "localhost"
        return {"host": host, "port": self.port, "user": "thistle", "in_clear": True}

    @property
    def files(self):
        return sorted(path for path in self.inbox.iterdir() if path.is_file())


@pytest.fixture
def ftp_department(tmp_path):
    with at_work(FtpDepartment(tmp_path)) as department:
        yield department


@pytest.fixture
def ftps_department(tmp_path, certificate, monkeypatch):
    """Its certificate is vouched for by itself."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with at_work(FtpDepartment(tmp_path, certificate)) as department:
        yield department


@pytest.fixture
def certificate(tmp_path):
    return make_certificate(tmp_path)


class Mailbox:
    """deploy/vendor_sites/mailbox.py."""

    def __init__(self, folder):
        self.maildir = folder / "mailbox"
        self.port = free_port()

    @property
    def program(self):
        return ("mailbox.py", "--smtp-port", self.port, "--maildir", self.maildir)

    @property
    def config(self):
        return {"to": "orders@noblebarney.localhost", "smtp_host": "mail.noblebarney.localhost", "smtp_port": self.port}

    @property
    def messages(self):
        return [path.read_bytes() for path in sorted((self.maildir / "new").iterdir())]


@pytest.fixture
def mailbox_department(tmp_path):
    with at_work(Mailbox(tmp_path)) as department:
        yield department


class Scripted:
    """An HTTP server that answers by a script: a list of (status, headers, body), the last one for ever."""

    def __init__(self):
        self.answers = [(200, {}, b"")]
        self.requests = []
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.body = self.rfile.read(int(self.headers["content-length"]))
                scripted.requests.append((self.path, dict(self.headers), self.body))
                answer = scripted.answers.pop(0) if len(scripted.answers) > 1 else scripted.answers[0]
                if callable(answer):
                    answer(self)
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(content))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.secret = "whsec_" + base64.b64encode(b"k" * 32).decode()

    def ack(self):
        """Answer each request with its own key."""

        def answer(handler):
            key = handler.headers["webhook-id"]
            content = json.dumps({"ack": key}).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)

        return answer


@pytest.fixture
def scripted():
    peer = Scripted()
    thread = threading.Thread(target=peer.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield peer
    peer.server.shutdown()
    peer.server.server_close()
    thread.join()


class Cutter:
    """A TCP proxy that loses each ``every``-th answer, or cuts what is sent after so many bytes.

    While it is ``held``, it passes nothing on that comes in; ``waiting`` is how many do.
    """

    def __init__(self, port, every, delay, cut_after):
        self.target = port
        self.delay = delay
        self.cut_after = cut_after
        self.every = every
        self.seen = self.waiting = 0
        self.passes = threading.Event()
        self.passes.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.seen += 1
            threading.Thread(
                target=self.carry, args=(client, self.every and self.seen % self.every == 0), daemon=True
            ).start()

    @contextmanager
    def held(self):
        self.passes.clear()
        try:
            yield
        finally:
            self.passes.set()

    def carry(self, client, lose):
        if self.target is None:
            client.close()  # a department that hangs up on everybody
            return
        time.sleep(self.delay)
        self.waiting += 1
        self.passes.wait(60)
        self.waiting -= 1
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            up = threading.Thread(target=self.pump, args=(client, server, self.cut_after), daemon=True)
            up.start()
            if lose:
                server.recv(1)  # the department has done its work and answers
                client.shutdown(socket.SHUT_RDWR)  # closing alone waits for the other thread's read
                return
            self.pump(server, client)

    def pump(self, source, sink, left=None):
        """Pass bytes on; after ``left`` of them cut both ends off."""
        try:
            while data := source.recv(65536 if left is None else max(left, 1)):
                if left is not None and left <= 0:
                    source.shutdown(socket.SHUT_RDWR)
                    return
                sink.sendall(data)
                left = None if left is None else left - len(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.fixture
def cutter():
    with ExitStack() as stack:

        def make(port, every=0, delay=0.0, cut_after=None):
            proxy = Cutter(port, every, delay, cut_after)
            thread = threading.Thread(target=proxy.run, daemon=True)
            thread.start()
            stack.callback(thread.join, 5)
            stack.callback(proxy.listener.close)
            stack.callback(proxy.listener.shutdown, socket.SHUT_RDWR)
            return proxy

        yield make


@pytest.fixture
def wait_until():
    def wait(condition, seconds=60):
        closes = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < closes, "did not come true in time"
            time.sleep(0.05)

    return wait


@pytest.fixture
def manage(settings):
    """Start a manage.py command as a process of its own on the test's database; none outlives a test that fails."""
    database = settings.DATABASES["default"]
    url = f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    environment = os.environ | {"DATABASE_URL": url, "EGRESS_ALLOW": "127.0.0.0/8", "SECRET_KEY": settings.SECRET_KEY}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    started = []

    def start(*arguments, **changes):
        command = [sys.executable, str(SITES.parents[1] / "manage.py"), *map(str, arguments)]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        started.append(subprocess.Popen(command, env=environment | changes, **output))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()

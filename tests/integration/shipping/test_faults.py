"""Faults of departments, networks and our own processes that no other module has; shipping/FAULTS.md lists them all."""

import os
import resource
import socket
import ssl
import struct
import threading
import time
import warnings
from contextlib import closing
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone

from shipping import alarms, keys, services
from shipping.envelope import unverified_payload
from shipping.keys import file_name
from shipping.models import Dispatch, Route
from shipping.runner import drain
from shipping.transports.http import HttpTransport
from tests.integration.shipping.conftest import write_keys
from vendors.nudge import Nudge

DAY = timedelta(days=1)


@pytest.fixture
def listener():
    """A port whose connections a function answers, each in a thread; ``seen`` counts them."""
    stopped = []

    def start(answer):
        server = socket.create_server(("127.0.0.1", 0))
        stopped.append(server)

        def accept():
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(caller,), daemon=True).start()

        def serve(caller):
            with closing(caller):
                try:
                    answer(caller)
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        return server.getsockname()[1]

    yield start
    for server in stopped:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def endless(caller):
    """Answer for ever, as fast as it is taken."""
    caller.recv(65536)
    caller.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        caller.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def endless_headers(caller):
    caller.recv(65536)
    caller.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        caller.sendall(b"X-More: " + b"x" * 8192 + b"\r\n")


def reset(caller):
    """Take the order and cut the connection off with RST."""
    caller.recv(65536)
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def rubbish(caller):
    caller.recv(65536)
    caller.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


@pytest.mark.parametrize(
    ("answer", "outcome"), [(endless, "sent"), (endless_headers, "retry"), (reset, "retry"), (rubbish, "retry")]
)
def test_answer_that_breaks_http_ends_soon(answer, outcome, listener, vendor, route_to, place_order, scripted):
    route_to("http", {"url": f"http://127.0.0.1:{listener(answer)}/"}, {"secret": scripted.secret})
    place_order(vendor)
    begun = time.monotonic()
    assert drain() == {outcome: 1}
    assert time.monotonic() - begun < HttpTransport.deadline.total_seconds(), "it was ended at the deadline alone"


def test_server_for_which_nobody_vouches_gets_nothing(
    listener, vendor, route_to, place_order, scripted, certificate, dispatch_of
):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    got = []

    def shake_hands(caller):
        with context.wrap_socket(caller, server_side=True) as encrypted:
            got.append(encrypted.recv(65536))

    route_to("http", {"url": f"https://127.0.0.1:{listener(shake_hands)}/"}, {"secret": scripted.secret})
    row = dispatch_of(place_order(vendor))
    assert drain() == {"retry": 1}
    assert "certificate" in row.attempts.get().response.lower()
    assert got == []


@pytest.mark.parametrize("end", ["hangs up", "refuses"])
def test_mail_whose_fate_is_unknown_goes_again_under_its_message_id(
    end, vendor, route_to, place_order, unused_tcp_port, dispatch_of
):
    """The server has the mail and its answer is lost, or it is full for a moment: the copy can be recognised."""
    mails = []

    class Losing:
        async def handle_DATA(self, server, session, envelope):  # noqa: N802 -- aiosmtpd's name
            mails.append(envelope.content)
            if len(mails) == 1 and end == "hangs up":
                server.transport.abort()
            return "451 Not now" if len(mails) == 1 else "250 Taken"

    server = Controller(Losing(), hostname="127.0.0.1", port=unused_tcp_port)
    server.start()
    try:
        route_to("email", {"to": "x@fowlers.localhost", "smtp_host": "127.0.0.1", "smtp_port": unused_tcp_port})
        row = dispatch_of(place_order(vendor))
        assert drain() == {"retry": 1}
        assert drain(now=timezone.now() + timedelta(minutes=1)) == {"sent": 1}
    finally:
        server.stop()
    ids = [line for mail in mails for line in mail.splitlines() if line.lower().startswith(b"message-id:")]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert row.key.encode() in ids[0]


def test_server_without_room_keeps_no_piece_of_a_file(sftp_department, vendor, route_to, place_order):
    route_to("sftp", sftp_department.config, {"password": sftp_department.password})
    row = Dispatch.objects.get(consignment__order=place_order(vendor))
    room = resource.prlimit(sftp_department.process.pid, resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
    assert drain() == {"retry": 1}
    assert sftp_department.files == []
    resource.prlimit(sftp_department.process.pid, resource.RLIMIT_FSIZE, room)
    assert drain(now=timezone.now() + timedelta(minutes=1)) == {"sent": 1}
    (there,) = sftp_department.files
    assert there.name == file_name(row.key, row.sha256)
    assert unverified_payload(there.read_bytes()) == bytes(row.body)


@pytest.mark.django_db(transaction=True)
def test_process_that_dies_between_commit_and_nudge_leaves_work_that_is_found(
    vendor, place_order, route_to, scripted, monkeypatch
):
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    monkeypatch.setattr(Nudge, "__call__", lambda *_: os._exit(7))
    with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):  # the child does little
        child = os.fork()
    if child == 0:
        connection.connection = None  # the parent's; it goes on with it
        place_order(vendor)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7, "the control: it did not die at its nudge"
    assert drain() == {"sent": 1}


def test_order_over_two_routes_is_worked_once(http_department, cutter, vendor, route_to, place_order):
    """Its answer was lost at the first route, which then was held; the second one brings it again."""
    losing = cutter(http_department.port, every=1)
    now, secrets = timezone.now(), {"secret": http_department.secret}
    first = route_to("http", {"url": f"http://127.0.0.1:{losing.port}/orders"}, secrets)
    services.set_up_route(
        vendor=vendor, transport="http", config={"url": http_department.url}, secrets=secrets, now=now, rank=2
    )
    row = Dispatch.objects.get(consignment__order=place_order(vendor))
    assert drain() == {"retry": 1}
    services.hold_route(route=first, reason="Held by hand.")
    assert drain() == {"acked": 1}
    assert http_department.arrivals == {row.key: 2}
    assert list(http_department.jobs.values()) == [1]


def test_order_that_is_never_taken_ends_after_a_week_with_a_mail(
    scripted, vendor, route_to, place_order, dispatch_of, mailoutbox, django_user_model
):
    """Its neighbours are taken, so the route is well: on day seven it is a person's."""
    django_user_model.objects.create_superuser("mall@example.org", "secret", name="Mall")
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    begun = moment = timezone.now()
    row = dispatch_of(place_order(vendor, now=moment))
    key = row.key.encode()
    while row.state != "dead":
        scripted.answers = [lambda handler: answer_others(handler, scripted, key)]
        drain(now=moment)
        place_order(vendor, now=moment)
        drain(now=moment)
        row.refresh_from_db()
        moment = row.next_at or moment
        assert moment < begun + 12 * DAY
    assert 4.5 * DAY < moment - begun < 8 * DAY  # 6.2 days, and each wait a fifth more or less
    assert Dispatch.objects.filter(state="acked").count() == row.attempts.count()
    alarms.send_alarms(moment)
    assert ["mall@example.org"] in [mail.to for mail in mailoutbox]
    assert isinstance(mailoutbox[0], EmailMessage)


def answer_others(handler, scripted, key):
    if key in unverified_payload(handler.body):
        handler.send_error(503)
    else:
        scripted.ack()(handler)


def test_department_dark_for_nine_days_loses_nothing(scripted, vendor, route_to, place_order):
    route = route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    begun = moment = timezone.now()
    orders = [place_order(vendor, now=moment) for _ in range(2)]
    scripted.answers = [(503, {}, b"")]
    while moment < begun + 9 * DAY:
        drain(now=moment)
        route.refresh_from_db()
        moment = (route.open_until or moment) + timedelta(hours=3)
    scripted.answers = [scripted.ack()]
    drain(now=moment + DAY)
    assert Dispatch.objects.filter(state="acked").count() == len(orders)


def test_two_checkouts_of_one_shopper_are_two_dispatches(http_department, vendor, route_to, place_order):
    """The article stored the order under the session's id, so the second overwrote the first (trap T4)."""
    route_to("http", {"url": http_department.url}, {"secret": http_department.secret})
    for _ in range(2):
        place_order(vendor, email="anna@example.org")
    assert drain() == {"acked": 2}
    assert len(http_department.jobs) == 2


def test_one_function_makes_the_key_that_both_sides_use(
    http_department, mailbox_department, sftp_department, make_vendor, route_to, place_order
):
    """The article wrote under one name and read under another (trap T1)."""
    ways = {
        "http": ({"url": http_department.url}, {"secret": http_department.secret}),
        "email": (mailbox_department.config, {}),
        "sftp": (sftp_department.config, {"password": sftp_department.password}),
    }
    write_keys(http_department.keys, *ways)
    rows = {}
    for name, way in ways.items():
        seller = make_vendor(name)
        route_to(name, *way, seller=seller)
        rows[name] = Dispatch.objects.get(consignment__order=place_order(seller))
    drain()
    assert http_department.arrivals == {rows["http"].key: 1}
    assert f"<{rows['email'].key}@dispatch." in mailbox_department.messages[0].decode()
    assert [path.name[: len(rows["sftp"].key)] for path in sftp_department.files] == [rows["sftp"].key]
    for row in rows.values():
        assert row.key == keys.make_key(keys.parse_root(row.key), 1)
        assert f'"key":"{row.key}"'.encode() in bytes(row.body)
    assert Route.objects.filter(failures__gt=0).count() == 0

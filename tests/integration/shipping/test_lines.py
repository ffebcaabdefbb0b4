"""What the further lines share: the mall's own keys, call-backs, windows, slips, attachments, books in PostgreSQL."""

import email
import email.policy
import hashlib
import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from shipping import department_facts, signatures, signing_keys
from shipping.documents import as_sqlite
from shipping.envelope import ED25519_PRIVATE, SigningKey
from shipping.models import Dispatch, Route, VendorKey
from shipping.runner import drain
from tests.integration.shipping.conftest import ANY, SITES, running
from tests.integration.shipping.test_admin import form_of, sign_in  # noqa: F401 -- signs staff in
from tests.integration.shipping.test_delivery import json_part


@pytest.fixture
def mall_key(vendor):
    """A key of Ed25519 for the vendor, made before any route of it is."""
    return signing_keys.add_key(vendor=vendor, algorithm=ED25519_PRIVATE)


def test_mall_signs_by_a_key_that_the_department_cannot_forge_with(
    mall_key, http_department, vendor, route_to, place_order, dispatch_of, tmp_path
):
    (old,) = (row for row in VendorKey.objects.all() if row.key_id == mall_key.key_id)
    assert "ed25519-private" not in mall_key.line
    http_department.keys.write_text(f"{mall_key.line}\n")
    private = signatures.new_private_key()
    (http_department.folder / "secret").write_text(signatures.public_key(private))
    route = route_to("http", {"url": http_department.url, "signature": "ed25519"}, {"secret": private})
    assert dict(department_facts.of_route(route))["Public key"] == signatures.public_key(private)
    assert drain() == {}
    row = dispatch_of(place_order(vendor))
    drain()
    row.refresh_from_db()
    assert row.state != "acked", "its server has the old secret still"
    with_public = list(http_department.program)
    with_public[2] = ANY
    with running(*with_public) as process:
        route_to("http", {"url": f"http://127.0.0.1:{process.port}/", "signature": "ed25519"}, {"secret": private})
        drain(now=timezone.now() + timedelta(hours=1))
    row.refresh_from_db()
    assert (row.state, row.acks.get().outcome) == ("acked", "applied")
    forger = SigningKey(vendor.slug, "hmac-sha256", mall_key.shared)
    assert not mall_key.verifies(b"x", mall_key.sign(b"x")), "orders are no receipts"
    assert forger.sign(b"x") != mall_key.sign(b"x")
    assert old.retired_at is None


def test_owner_lets_the_mall_make_its_key_and_sees_the_public_half(vendor, route_to, scripted, sign_in):  # noqa: F811
    route = route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    client = sign_in(vendor, "owner")
    change = reverse("admin:shipping_route_change", args=[route.pk])
    assert client.post(change, form_of(route, signature="ed25519")).status_code == 302
    route.refresh_from_db()
    first = route.secrets["secret"]
    assert first.startswith("whsk_")
    assert route.secrets["previous_secret"] == scripted.secret, "both sign while the department changes"
    page = client.get(change).content.decode()
    assert signatures.public_key(first) in page
    assert first not in page
    client.post(change, form_of(route))
    route.refresh_from_db()
    assert route.secrets["secret"] == first, "saved again without a wish for another"
    client.post(change, form_of(route, new_key="on"))
    route.refresh_from_db()
    assert route.secrets["previous_secret"] == first != route.secrets["secret"]
    assert "new_key" not in route.config


@pytest.mark.django_db(transaction=True)
def test_receipt_comes_later_as_a_call_back(
    http_department, live_server, cutter, vendor, route_to, place_order, wait_until
):
    line = cutter(int(live_server.url.rpartition(":")[2]))
    api = f"http://mall.localhost:{line.port}/ship/v1"
    route = route_to("http", {"url": http_department.url}, {"secret": http_department.secret})
    Route.objects.filter(pk=route.pk).update(ack_policy="callback")
    program = [*http_department.program, "--mall", api]
    program[2] = ANY
    with running(*program) as process:
        Route.objects.filter(pk=route.pk).update(config={"url": f"http://127.0.0.1:{process.port}/"})
        place_order(vendor)
        with line.held():  # else it may come before the answer is written down, which then is late
            assert drain() == {"sent": 1}
        wait_until(lambda: Dispatch.objects.get().state == "acked")
    row = Dispatch.objects.get()
    assert (row.ack_by, row.acks.get().outcome) == ("callback", "applied")


def test_mail_goes_within_its_windows_together(mailbox_department, vendor, route_to, place_order):
    route = route_to("email", mailbox_department.config | {"windows": "08:00 16:00"})
    noon = timezone.now().replace(hour=12, minute=0, second=0) + timedelta(days=1)
    for _ in range(3):
        place_order(vendor, now=noon - timedelta(hours=1))
    assert drain(now=noon) == {}
    route.refresh_from_db()
    assert route.opens_at > noon
    assert drain(now=route.opens_at + timedelta(minutes=1)) == {"sent": 3}
    place_order(vendor, now=noon)
    assert drain(now=route.opens_at + timedelta(minutes=20)) == {}, "the window is closed"


def test_mail_carries_each_form_and_the_database_is_merged_once(
    mailbox_department, vendor, route_to, place_order, dispatch_of, merge, tmp_path
):
    route_to("email", mailbox_department.config | {"slips": True})
    row = dispatch_of(place_order(vendor, name='Novotný “ýþ”, "half"'))
    drain()
    (content,) = mailbox_department.messages
    mail = email.message_from_bytes(content, policy=email.policy.default)
    parts = {part.get_filename().rpartition(".")[2]: part for part in mail.iter_attachments()}
    assert sorted(parts) == ["csv", "json", "pdf", "sig", "sqlite"]
    assert parts["pdf"].get_payload(decode=True)[:5] == b"%PDF-"
    book = tmp_path / "order.sqlite"
    book.write_bytes(parts["sqlite"].get_payload(decode=True))
    with closing(sqlite3.connect(book)) as opened:
        assert opened.execute("SELECT item, quantity, total FROM lines").fetchall() == [
            ('Novotný “ýþ”, "half"', 2, "24.00")
        ]
    books = ("--database", tmp_path / "merged.sqlite")
    assert ": applied" in merge(*books, book).stdout
    assert ": duplicate" in merge(*books, mailbox_department.maildir).stdout
    cut = tmp_path / "cut.sqlite"
    cut.write_bytes(book.read_bytes()[:3000])
    ended = merge(*books, cut)
    assert "not readable" in ended.stderr or "refused" in ended.stderr
    forged = tmp_path / "forged.sqlite"
    forged.write_bytes(as_sqlite(bytes(row.body), b'{"payload": "e30=", "payloadType": "x", "signatures": []}'))
    assert "refused" in merge(*books, forged).stderr
    assert json_part(mail) == bytes(row.body)


def test_books_may_be_in_postgresql(
    vendor, route_to, place_order, dispatch_of, sftp_department, merge, transactional_db
):
    route_to("sftp", sftp_department.config, {"password": sftp_department.password})
    row = dispatch_of(place_order(vendor))
    drain()
    place = connection.settings_dict
    url = f"postgresql://{place['USER']}:{place['PASSWORD']}@{place['HOST']}:{place['PORT']}/{place['NAME']}"
    address = f"{url}?options=-csearch_path%3Dbooks"
    with psycopg.connect(url, autocommit=True) as books:
        books.execute("CREATE SCHEMA books")
        try:
            assert ": applied" in merge("--database", address, "--done", sftp_department.inbox).stdout
            (file,) = (sftp_department.inbox / "done").glob("csg_*.json")
            ended = merge("--database", address, file)
            assert ": duplicate" in ended.stdout, ended.stderr
            assert books.execute("SELECT root, state FROM books.jobs").fetchall() == [(row.key[:36], "open")]
            assert merge("--database", address, "--sent", row.consignment.number).returncode == 0
        finally:
            books.execute("DROP SCHEMA books CASCADE")
    away = merge("--database", "postgresql://nobody@127.0.0.1:1/none", file)
    assert (away.returncode, "is away" in away.stderr) == (1, True)


@pytest.mark.parametrize("over", ["sftp", "ftp"])
def test_cut_pushes_show_no_half_file(over, request, vendor, route_to, place_order, dispatch_of, cutter, scale):
    """Five hundred pushes at full scale, cut anywhere; a scanner that looks each millisecond sees whole files only."""
    department = request.getfixturevalue(f"{over}_department")
    secret = {"password": department.password}
    sizes, stop = set(), threading.Event()

    def scan():
        while not stop.wait(0.001):
            for path in department.inbox.glob("csg_*.json"):
                content = path.read_bytes()
                sizes.add((len(content), hashlib.sha256(content).hexdigest()))

    route_to(over, department.config, secret)
    row = dispatch_of(place_order(vendor))
    scanner = threading.Thread(target=scan)
    scanner.start()
    try:
        pushes = 2 if scale == 1 else 50 * scale
        for push in range(pushes):
            proxy = cutter(department.port, cut_after=200 + (push * 6007 // pushes))
            route_to(over, department.config | {"port": proxy.port}, secret)
            Dispatch.objects.update(state="ready", next_at=timezone.now(), acked_at=None, refusals=0, spent=0)
            drain()
        route_to(over, department.config, secret)
        Dispatch.objects.update(state="ready", next_at=timezone.now(), acked_at=None)
        drain()
    finally:
        stop.set()
        scanner.join()
    files = {
        (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) for path in department.inbox.glob("csg_*")
    }
    assert len(files) == 1
    assert sizes <= files
    assert row.attempts.count() > pushes


def test_tool_answers_a_full_disk_and_goes_on(tmp_path, merge):
    """A database that cannot be written is said, and the program that watches is there still."""
    keys = tmp_path / "merge_keys"
    folder = tmp_path / "inbox"
    folder.mkdir()
    code = f"""
import sqlite3, sys
sys.path.insert(0, {str(SITES)!r})
import mall_merge
times = []
def full(*_, **__):
    times.append(1)
    if len(times) == 2:
        raise SystemExit(0)
    raise sqlite3.OperationalError("database or disk is full")
mall_merge.Merge.sources = full
mall_merge.main()
"""
    command = [
        sys.executable,
        "-c",
        code,
        "--keys",
        keys,
        "--database",
        tmp_path / "b.sqlite",
        "--watch",
        "0.1",
        folder,
    ]
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, "disk is full; tried again" in ended.stderr) == (0, True), ended.stderr
    assert json.dumps(merge("--database", tmp_path / "b.sqlite", folder).returncode) == "0"

"""The department's merge tool: of what comes by mail or file, only that is merged which the mall signed."""

import importlib
import json
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from urllib.parse import quote

import pytest
from django.utils import timezone

from shipping import envelope, keys
from shipping.runner import drain
from tests.integration.shipping.conftest import signing_key, write_keys
from tests.integration.shipping.test_mailroom import MailServer
from tests.integration.shipping.test_receiver import FORGERIES, dispatch_body, sealed
from tests.support.mail_servers import PASSWORD, USER

SITES = Path(__file__).parents[3] / "deploy" / "vendor_sites"


@pytest.fixture
def mall_merge(monkeypatch):
    monkeypatch.syspath_prepend(str(SITES))
    return importlib.import_module("mall_merge")


@pytest.fixture
def run(mall_merge, tmp_path, books, capsys):
    """Merge as the program does, in this process; gives what it said on both channels."""
    keys = write_keys(tmp_path / "run_keys", "fowlers")
    inbox = mall_merge.Inbox(books, mall_merge.KeyFile(keys))

    def go(source, *, done=False):
        refused = mall_merge.Merge(inbox, done=done).sources([str(source)])
        return refused, *capsys.readouterr()

    return go


@pytest.fixture
def books(tmp_path):
    return tmp_path / "books.sqlite"


def jobs(books):
    with closing(sqlite3.connect(books)) as opened:
        return opened.execute("SELECT count(*) FROM jobs").fetchone()[0]


def test_books_that_another_program_is_making_are_waited_for(mall_merge, books):
    """Two of an agent's scripts may be the first at once."""
    with closing(sqlite3.connect(books, isolation_level=None)) as other, ThreadPoolExecutor() as pool:
        other.execute("BEGIN IMMEDIATE")
        opened = pool.submit(mall_merge.Inbox, books, None)
        wait([opened], timeout=0.5)
        other.execute("COMMIT")
        opened.result()
    assert jobs(books) == 0


def mail_with(content, kind="json", **headers):
    """A mail as the mall writes it: its key in the head, the document attached."""
    message = EmailMessage(policy=SMTP)
    message["Subject"], message["To"] = "Order M-1, consignment M-1-1", "orders@fowlers.example"
    for name, value in ({"X-Mall-Key": "csg_x"} | headers).items():
        message[name] = value
    message.set_content("See the attachment.")
    message.add_attachment(content, maintype="application", subtype=kind, filename="order.json")
    return message.as_bytes()


@pytest.fixture
def maildir(tmp_path):
    folder = tmp_path / "maildir"
    for part in ("new", "cur", "tmp"):
        (folder / part).mkdir(parents=True)
    return folder


# Mails


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_mail_is_refused(name, run, maildir, books):
    (maildir / "new" / "1").write_bytes(mail_with(FORGERIES[name]()))
    (maildir / "new" / "2").write_bytes(mail_with(sealed(dispatch_body()[1])))
    refused, said, complaint = run(maildir)
    assert "1, attachment 1: refused" in complaint
    assert (said.count(": applied"), refused) == (1, 1), "the good one behind it is merged"
    assert jobs(books) == 1


HOSTILE = {
    "a hundred attachments": lambda: mail_with(sealed(dispatch_body()[1]))[:-2] + b"\r\n" * 100,
    "six megabytes": lambda: mail_with(b"x" * 6_000_000),
    "multiparts in multiparts": lambda: (
        b"X-Mall-Key: x\r\n"
        + b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(3000))
    ),
    "a message in a message": lambda: b"X-Mall-Key: x\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 3000,
    "headers that no parser likes": lambda: mail_with(b"{}").replace(
        b"Content-Type: application/json", b"Content-Type: application/json; name*0*=utf-8''%ff; name*=\"\xff\xfe\""
    ),
    "an unknown character set": lambda: (
        b"X-Mall-Key: =?bogus?q?=ff?=\r\nContent-Type: text/plain; charset=x\r\n\r\n\xff"
    ),
    "a charset in base64 that lies": lambda: mail_with(b"{}").replace(b"base64", b"x-uuencode"),
    "no head at all": lambda: b"\r\n\r\n\xff\x00",
    "nothing": lambda: b"",
    "another's mail with JSON": lambda: mail_with(sealed(dispatch_body()[1])).replace(b"X-Mall-Key", b"X-Other"),
    "escape codes in its head": lambda: mail_with(b"{}", Subject2="\x1b[2J\x1b]0;owned\x07"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_stops_nothing(name, run, maildir):
    (maildir / "new" / "1\x1b[2J").write_bytes(HOSTILE[name]())
    (maildir / "new" / "2").write_bytes(mail_with(sealed(dispatch_body(revision=2)[1])))
    _, said, complaint = run(maildir)
    assert "_r2: applied (2, attachment 1)" in said
    assert "\x1b" not in said + complaint


def test_message_that_moves_while_the_folder_is_read_is_read_once(mall_merge, maildir):
    for name in "abc":
        (maildir / "new" / name).write_bytes(name.encode())
    found = mall_merge.messages(maildir)
    assert next(found) == ("a", b"a")
    (maildir / "new" / "b").rename(maildir / "cur" / "b:2,S")
    assert dict(found) == {"c": b"c", "b:2,S": b"b"}


# Files


def name_of(content):
    return f"{json.loads(content)['key']}_00000000.json"


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_file_is_refused_and_left_where_it_is(name, run, tmp_path, books):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    forged, good = inbox / ("csg_" + "0" * 32 + "_r1_00000000.json"), dispatch_body()[1]
    forged.write_bytes(FORGERIES[name]())
    (inbox / name_of(good)).write_bytes(sealed(good))
    _, _, complaint = run(inbox, done=True)
    assert f"{forged}: refused" in complaint
    assert jobs(books) == 1
    assert sorted(path.name for path in (inbox / "done").iterdir()) == [name_of(good), f"{name_of(good)}.ack"]
    assert forged.exists()


def test_order_under_the_name_of_another_acknowledges_nothing(run, tmp_path, books):
    """A file that is renamed to another's name would be taken for that one, which nobody packs."""
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    mine, other = dispatch_body()[1], dispatch_body()[1]
    (inbox / name_of(other)).write_bytes(sealed(mine))
    assert "and its name says" in run(inbox, done=True)[2]
    assert (jobs(books), (inbox / "done").exists()) == (0, False)


def test_pipe_link_and_huge_file_stop_nothing(merge, tmp_path, books):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    os.mkfifo(inbox / "csg_pipe.json")
    (inbox / "csg_link.json").symlink_to("/dev/zero")
    (inbox / "csg_huge.json").write_bytes(b"[" * 3_000_000)
    good = dispatch_body()[1]
    (inbox / name_of(good)).write_bytes(sealed(good))
    ended = merge("--database", books, "--done", inbox)
    assert ended.stdout.count(": applied") == 1
    assert "csg_huge.json: refused" in ended.stderr


def test_replay_of_an_older_revision_does_nothing(run, tmp_path, books):
    root = keys.new_root(timezone.now())
    for revision, town, outcome in ((2, "Cork", "applied"), (1, "Thief’s Lane", "older"), (2, "Cork", "duplicate")):
        file = tmp_path / f"{revision}.json"
        file.write_bytes(sealed(dispatch_body(revision, root, town)[1]))
        assert f": {outcome} " in run(file)[1]
    with closing(sqlite3.connect(books)) as opened:
        ((body,),) = opened.execute("SELECT body FROM consignments").fetchall()
    assert json.loads(body)["address"]["town"] == "Cork"


# Spreadsheets


def test_spreadsheet_of_a_mail_is_checked_by_its_signature(
    mailbox_department, vendor, route_to, place_order, merge, tmp_path
):
    route_to("email", mailbox_department.config)
    place_order(vendor)
    drain()
    (content,) = mailbox_department.messages
    parts = {
        part.get_filename(): part.get_payload(decode=True)
        for part in message_from_bytes(content, policy=policy.default).iter_attachments()
    }
    ((name, sheet),) = ((name, part) for name, part in parts.items() if name.endswith(".csv"))
    (tmp_path / "order.csv").write_bytes(sheet)
    (tmp_path / "order.csv.sig").write_bytes(parts[f"{name}.sig"])
    ended = merge("--check", tmp_path / "order.csv", tmp_path / "order.csv.sig")
    assert (ended.returncode, "signed by the mall for fowlers" in ended.stdout) == (0, True)
    for forged in (sheet.replace(b"Sligo", b"Thief"), sheet + b"x", b""):
        (tmp_path / "order.csv").write_bytes(forged)
        assert merge("--check", tmp_path / "order.csv", tmp_path / "order.csv.sig").returncode == 1
    (tmp_path / "order.csv").write_bytes(sheet)
    other = envelope.seal(sheet, envelope.CSV, [envelope.SigningKey.generate("fowlers")], detached=True)
    (tmp_path / "order.csv.sig").write_bytes(other)
    assert merge("--check", tmp_path / "order.csv", tmp_path / "order.csv.sig").returncode == 1


def test_key_file_that_cannot_be_read_is_named(tmp_path, books):
    (tmp_path / "keys").write_text("fowlers md5 QUFB")
    command = [sys.executable, SITES / "mall_merge.py", "--keys", tmp_path / "keys", "--database", books, tmp_path]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "cannot be used" in ended.stderr
    assert signing_key("fowlers").line not in ended.stderr


def test_mailbox_is_scanned_over_pop3_and_merged_mails_are_removed(
    mailbox_department, vendor, route_to, place_order, merge, tmp_path
):
    """The seed's program that scans a POP3 box; a mail that is not the mall's, or not sound, is left there."""
    route_to("email", mailbox_department.config)
    for _ in range(2):
        place_order(vendor)
    drain()
    server = MailServer("pop3", tmp_path / "box")
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")
    address = f"pop3://{quote(USER)}@127.0.0.1:{server.port}"
    words = ("--database", tmp_path / "scanned.sqlite", "--password-file", password, address)
    try:
        forged = mail_with(b'{"payload": "e30=", "payloadType": "x", "signatures": []}')
        long_line = b"Subject: hello\n\n" + b"y" * 9000 + b"\n"
        for content in (long_line, b"no mail at all", forged, *mailbox_department.messages):
            server.put(content)
        ended = merge(*words)
        assert (ended.stdout.count(": applied"), ended.returncode) == (2, 1), ended.stderr
        assert "refused: " in ended.stderr
        assert server.left == 3
        server.put(mailbox_department.messages[0])
        assert ": duplicate" in merge(*words).stdout
        assert server.left == 3
        password.write_text("wrong")
        ended = merge(*words)
        assert (ended.returncode, USER in ended.stderr) == (1, True)
    finally:
        server.process.kill()
        server.process.communicate()
    assert "Connection refused" in merge(*words).stderr

"""The dispatch mailbox over POP3 and IMAP: receipts of the merge tool, tracking numbers, bounces; once each."""

import gc
import socket
import subprocess
import sys
import threading
import time
from email.message import EmailMessage
from urllib.parse import quote

import pytest
from django.utils import timezone

from cart.orders.models import Consignment
from shipping import envelope
from shipping.lease import leased
from shipping.mailroom import work
from shipping.mailroom.mailboxes import MailboxAddress, MailboxError, work_mailbox
from shipping.models import Dispatch
from shipping.runner import drain
from tests.integration.shipping.test_pickup_api import Program
from tests.support.mail_servers import PASSWORD, USER
from tests.support.waiting import wait_for


class MailServer:
    def __init__(self, kind, folder):
        self.kind, self.folder = kind, folder
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.support.mail_servers", kind, str(folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    @property
    def address(self):
        return MailboxAddress.parse(f"{self.kind}://{USER}:{quote(PASSWORD)}@127.0.0.1:{self.port}")

    def put(self, content):
        number = max([int(path.stem) for path in self.folder.glob("*.eml")], default=0) + 1
        text = content if isinstance(content, bytes) else content.as_bytes()
        (self.folder / f"{number}.eml").write_bytes(text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    @property
    def left(self):
        return len(list(self.folder.glob("*.eml")))


@pytest.fixture(autouse=True)
def nothing_left_open():
    """A socket that is left open is said here, and not in a test that happens to run later."""
    yield
    gc.collect()


@pytest.fixture(params=["pop3", "imap"])
def mailbox(request, tmp_path):
    server = MailServer(request.param, tmp_path / "robot")
    yield server
    server.process.kill()
    server.process.communicate()


def bounce(row, status="5.1.1", report="delivery-status"):
    return f"""From: MAILER-DAEMON@example.org
Subject: Undelivered
Content-Type: multipart/report; report-type={report}; boundary=b

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/{report}

Reporting-MTA: dns; mail.example.org

Final-Recipient: rfc822; orders@noblebarney.localhost
Action: failed
Status: {status}

--b
Content-Type: text/rfc822-headers

Message-ID: <{row.key}@dispatch.mall.localhost>
Subject: Order

--b--
""".encode()


@pytest.fixture
def rows(mailbox_department, vendor, route_to, place_order, dispatch_of):
    route_to("email", mailbox_department.config | {"slips": True})
    found = [dispatch_of(place_order(vendor)) for _ in range(4)]
    assert drain() == {"sent": 4}
    return found


def test_mailbox_is_worked_once_and_emptied(rows, mailbox, mailbox_department, merge, tmp_path, client):
    """One acknowledged by the merge tool's mail, one bounced, one forged, one bounced in passing; a tracking number."""
    applied, bounced, forged, passing = rows
    books = ("--database", tmp_path / "merged.sqlite", "--replies", tmp_path / "replies", mailbox_department.maildir)
    assert merge(*books).stdout.count(": applied") == 4
    mailbox.put((tmp_path / "replies" / f"{applied.key}.eml").read_bytes())
    mailbox.put(bounce(bounced))
    mailbox.put(bounce(passing, "4.2.2"))
    mailbox.put(bounce(applied))
    rival, own = Program(client, "thistle"), Program(client, "fowlers")
    number = Consignment.objects.get(order=applied.consignment.order_id).number
    for document in (
        rival.signed(v=1, ack=forged.key, outcome="applied"),
        own.signed(envelope.SENDING, consignment=number, carrier="An Post", tracking_number="RR9"),
    ):
        message = EmailMessage()
        message.set_content("see")
        message.add_attachment(envelope.json.dumps(document).encode(), maintype="application", subtype="json")
        mailbox.put(message)
    mailbox.put(b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\xff\xfe cut")
    mailbox.put(b"\r\n")
    assert work.look(mailbox.address) == 8
    assert mailbox.left == 0
    states = {row.pk: row for row in Dispatch.objects.all()}
    assert [states[row.pk].state for row in rows] == ["acked", "dead", "sent", "sent"]
    assert (states[applied.pk].ack_by, states[applied.pk].acks.get().outcome) == ("mail", "applied")
    assert "came back (5.1.1)" in states[bounced.pk].reason
    assert Consignment.objects.get(number=number).tracking_number == "RR9"
    assert work.look(mailbox.address) == 0


def test_one_process_reads_the_mailbox_at_a_time(db, redis_client, mailbox):
    mailbox.put(b"Subject: nothing\r\n\r\n")
    with leased("shipping.mailroom", 60) as is_ours:
        assert is_ours
        assert work.look(mailbox.address) == 0
        assert mailbox.left == 1
    assert work.look(mailbox.address) == 1
    assert mailbox.left == 0


def test_poller_killed_between_reading_and_removing_counts_an_acknowledgement_once(rows, mailbox, client):
    own = Program(client, "fowlers")
    message = EmailMessage()
    message.add_attachment(
        envelope.json.dumps(own.signed(v=1, ack=rows[0].key)).encode(), maintype="application", subtype="json"
    )
    mailbox.put(message)

    def die(content):
        work.work_mail(content, timezone.now())
        raise MemoryError("as if killed here")

    with pytest.raises(MemoryError):
        work_mailbox(mailbox.address, die)
    assert mailbox.left == 1, "it comes again"
    assert work.look(mailbox.address) == 1
    assert (mailbox.left, rows[0].acks.count()) == (0, 1)
    rows[0].refresh_from_db()
    assert rows[0].state == "acked"


@pytest.mark.parametrize("kind", ["pop3", "imap"])
def test_silent_and_dripping_mailbox_ends_at_the_deadline(kind):
    """A greeting, then a byte at a time: each one would begin a time-out anew."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"+OK\r\n" if kind == "pop3" else b"* OK IMAP4rev1\r\n* CAPABILITY IMAP4rev1\r\n")
                try:
                    while True:
                        connection.sendall(b"*")
                        time.sleep(0.05)
                except OSError:
                    return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        address = MailboxAddress.parse(f"{kind}://robot:x@127.0.0.1:{listener.getsockname()[1]}")
        begun = time.monotonic()
        with pytest.raises(MailboxError):
            work_mailbox(address, lambda _: None, deadline=0.5)
        assert time.monotonic() - begun < 10
        thread.join(60)


@pytest.mark.django_db(transaction=True)
def test_dispatchd_reads_the_mailbox(mailbox, settings):
    if mailbox.kind == "imap":
        pytest.skip("one protocol is enough here")
    settings.DISPATCH_MAILBOX = f"pop3://{USER}:{quote(PASSWORD)}@127.0.0.1:{mailbox.port}"
    mailbox.put(b"Subject: nothing\r\n\r\n")
    stopped = threading.Event()
    thread = work.start(stopped)
    wait_for(lambda: mailbox.left == 0, "the mailbox to be emptied")
    stopped.set()
    thread.join(60)
    assert not thread.is_alive()
    settings.DISPATCH_MAILBOX = ""
    assert work.start(stopped) is None

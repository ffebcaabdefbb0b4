"""The same promises over every transport: delivered, recognised when it comes again, acknowledged."""

import email
import email.policy
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from shipping import status
from shipping.envelope import unverified_payload
from shipping.models import Attempt
from shipping.runner import drain
from shipping.services import UnknownDispatchError, record_ack

HOUR = timedelta(hours=1)
SITES = Path(__file__).parents[3] / "deploy" / "vendor_sites"


class OverHttp:
    def __init__(self, request):
        self.peer = request.getfixturevalue("http_department")

    @property
    def route(self):
        return "http", {"url": self.peer.url}, {"secret": self.peer.secret}

    @property
    def bodies(self):
        """As often as they were worked."""
        times = self.peer.jobs
        files = (self.peer.folder / "inbox").glob("csg_*.json")
        return [path.read_bytes() for path in files for _ in range(times[path.name[:36]])]


class OverEmail:
    def __init__(self, request):
        self.peer = request.getfixturevalue("mailbox_department")

    @property
    def route(self):
        return "email", self.peer.config, {}

    @property
    def bodies(self):
        """By Message-ID, as a mail program shows them."""
        mails = [email.message_from_bytes(content, policy=email.policy.default) for content in self.peer.messages]
        by_id = {mail["Message-ID"]: mail for mail in mails}
        return [json_part(mail) for mail in by_id.values()]


class OverSftp:
    def __init__(self, request):
        self.peer = request.getfixturevalue("sftp_department")

    @property
    def route(self):
        return "sftp", self.peer.config, {"password": self.peer.password}

    @property
    def bodies(self):
        return [unverified_payload(path.read_bytes()) for path in self.peer.files]


class OverFtp(OverSftp):
    def __init__(self, request):
        self.peer = request.getfixturevalue("ftp_department")

    @property
    def route(self):
        return "ftp", self.peer.config, {"password": self.peer.password}


class OverFtps(OverSftp):
    def __init__(self, request):
        self.peer = request.getfixturevalue("ftps_department")

    @property
    def route(self):
        return "ftps", self.peer.config, {"password": self.peer.password}


def json_part(mail):
    (part,) = (part for part in mail.iter_attachments() if part.get_content_type() == "application/json")
    return unverified_payload(part.get_payload(decode=True))


@pytest.fixture(params=[OverHttp, OverEmail, OverSftp, OverFtp, OverFtps], ids=["http", "email", "sftp", "ftp", "ftps"])
def way(request):
    return request.param(request)


def test_body_arrives_byte_for_byte(way, vendor, route_to, place_order, dispatch_of):
    route_to(*way.route)
    order = place_order(vendor, name='Novotný “ýþ” \x1f, "half"\r\nbatch', town="Čáslav")
    ended = drain()
    row = dispatch_of(order)
    assert way.bodies == [bytes(row.body)]
    assert sum(ended.values()) == 1
    assert row.state in {"sent", "acked"}
    assert row.first_sent_at
    assert row.attempts.get().number == 1
    sent = json.loads(way.bodies[0])
    assert sent["lines"] == [
        {
            "sku": "TEA-1",
            "name": 'Novotný “ýþ” \x1f, "half"\r\nbatch',
            "quantity": 2,
            "unit_price": "12.00",
            "total": "24.00",
        }
    ]
    assert (sent["total"], sent["currency"], sent["delivery"]["charge"]) == ("28.50", "EUR", "4.50")


def test_second_sending_is_recognised(way, vendor, route_to, place_order, dispatch_of):
    route = route_to(*way.route)
    order = place_order(vendor)
    drain()
    row = dispatch_of(order)
    row.state, row.next_at, row.acked_at = "sent", timezone.now(), None  # as if no answer had come
    row.save()
    drain()
    assert row.attempts.count() == 2
    assert len(way.bodies) == 1
    route.refresh_from_db()
    assert route.failures == 0


def test_department_that_is_away_is_tried_again(way, vendor, route_to, place_order, dispatch_of, cutter):
    transport, config, secrets = way.route
    dead = cutter(None).port  # takes the connection and hangs up
    own = {"http": {"url": f"http://127.0.0.1:{dead}/"}, "email": {"smtp_port": dead}}
    away = own.get(transport, {"port": dead})
    route_to(transport, config | away, secrets)
    order = place_order(vendor)
    assert drain() == {"retry": 1}
    row = dispatch_of(order)
    assert row.state == "ready"
    assert timedelta(seconds=3) < row.next_at - row.attempts.get().ended_at < timedelta(seconds=7)
    route_to(transport, config, secrets)
    drain(now=timezone.now() + HOUR)
    assert way.bodies == [bytes(row.body)]


def test_http_answer_acknowledges(http_department, vendor, route_to, place_order, dispatch_of):
    route_to("http", {"url": http_department.url}, {"secret": http_department.secret})
    order = place_order(vendor)
    assert drain() == {"acked": 1}
    row = dispatch_of(order)
    assert (row.state, row.ack_by, row.next_at) == ("acked", "response", None)
    shown = status.for_order(order)[row.consignment_id]
    assert (shown.state, shown.code, shown.attempts) == ("received by the shop", "acked", 1)
    log = (http_department.folder / "inbox" / "orders.log").read_text()
    assert row.key in log
    assert "2 × TEA-1" in log


@pytest.mark.parametrize("how", ["ack file", "moved to done"])
@pytest.mark.parametrize("over", [OverSftp, OverFtp], ids=["sftp", "ftp"])
def test_file_acknowledges(how, over, request, vendor, route_to, place_order, dispatch_of):
    way = over(request)
    route_to(*way.route)
    first, second = place_order(vendor), place_order(vendor)
    moment = timezone.now()
    assert drain(now=moment) == {"sent": 2}
    key = dispatch_of(first).key
    (file,) = (path for path in way.peer.files if path.name.startswith(key))
    if how == "ack file":
        file.with_name(f"{file.name}.ack").touch()
    else:
        file.rename(file.parent / "done" / file.name)
    assert drain(now=moment) == {}, "looked a moment ago"
    assert drain(now=moment + timedelta(minutes=1)) == {"collected": 1}
    assert (dispatch_of(first).state, dispatch_of(first).ack_by) == ("acked", "file")
    assert dispatch_of(second).state == "sent"
    assert drain(now=moment + timedelta(minutes=2)) == {}


def test_merge_tool_works_each_mail_and_file_once(
    mailbox_department, sftp_department, make_vendor, route_to, place_order, dispatch_of, tmp_path, merge
):
    by_mail, by_file = make_vendor("noblebarney"), make_vendor("thistle")
    route_to("email", mailbox_department.config, seller=by_mail)
    route_to("sftp", sftp_department.config, {"password": sftp_department.password}, seller=by_file)
    place_order(by_mail, by_file)
    drain()
    drain(now=timezone.now() + 4 * 24 * HOUR)  # nobody acknowledged: both go again
    assert len(mailbox_department.messages) == 2
    books = ("--database", tmp_path / "merged.sqlite")
    assert merge(*books, mailbox_department.maildir).stdout.count(": applied") == 1
    assert merge(*books, mailbox_department.maildir).stdout.count(": duplicate") == 2
    assert ": applied" in merge(*books, "--done", sftp_department.inbox).stdout
    assert drain(now=timezone.now() + 97 * HOUR)["collected"] == 1


def test_acknowledgement_of_another_vendor_is_refused(make_vendor, place_order, dispatch_of):
    mine, other = make_vendor("mine"), make_vendor("other")
    row = dispatch_of(place_order(mine))
    with pytest.raises(UnknownDispatchError):
        record_ack(vendor_id=other.pk, ack_id="1", key=row.key, source="file", now=timezone.now())
    row.refresh_from_db()
    assert row.state != "acked"
    for _ in range(2):
        record_ack(vendor_id=mine.pk, ack_id="1", key=row.key, source="file", now=timezone.now())
    assert row.acks.count() == 1


def test_silent_department_gets_three_copies_then_a_person(
    mailbox_department, vendor, route_to, place_order, dispatch_of
):
    route_to("email", mailbox_department.config)
    order = place_order(vendor)
    for day in (0, 4, 8, 12, 16):
        drain(now=timezone.now() + day * 24 * HOUR)
    row = dispatch_of(order)
    assert row.state == "dead"
    assert "never acknowledged" in row.reason
    assert [attempt.outcome for attempt in row.attempts.all()] == [Attempt.Outcome.SENT] * 3
    copies = [email.message_from_bytes(content, policy=email.policy.default) for content in mailbox_department.messages]
    assert [mail["Subject"].startswith("DUPLICATE OF") for mail in copies].count(True) == 2
    assert len({mail["Message-ID"] for mail in copies}) == 1
    assert {mail["X-Mall-Key"] for mail in copies} == {row.key}

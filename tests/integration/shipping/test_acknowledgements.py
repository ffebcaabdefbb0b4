"""Acknowledgements act on the mall, so each is judged: by the connection, by a signed receipt, by a sealed link."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from shipping import alarms, envelope, services
from shipping.keys import file_name
from shipping.models import Ack, Dispatch, Route, VendorKey
from shipping.runner import drain
from shipping.signing_keys import add_key, retire_key
from tests.integration.shipping.conftest import signing_key

KEY, OTHER = signing_key("fowlers"), signing_key("thistle")
LATER = timedelta(minutes=1)


def receipt(key, outcome="applied", kind=envelope.RECEIPT, signer=KEY, **more):
    content = {"v": 1, "ack": key, "outcome": outcome, "vendor": signer.vendor} | more
    return envelope.seal(json.dumps(content).encode(), kind, [signer])


FORGED = {
    "no receipt": lambda key: b"",
    "our key in the clear": lambda key: json.dumps({"ack": key}).encode(),
    "another shop's signature": lambda key: receipt(key, signer=OTHER),
    "a receipt of another dispatch": lambda key: receipt(f"{key[:-1]}9"),
    "the order itself, sent back": lambda key: receipt(key, kind=envelope.ORDER),
    "a signature cut off": lambda key: receipt(key)[:-20],
    "nested ten thousand deep": lambda key: b"[" * 10_000,
    "a list": lambda key: b"[]",
    "a key that does not count": lambda key: receipt(key, signer=envelope.SigningKey.generate("fowlers")),
}


@pytest.fixture
def http_route(route_to, scripted):
    route = route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    Route.objects.update(ack_policy="signed")
    return route


@pytest.fixture
def sftp_route(route_to, sftp_department):
    route = route_to("sftp", sftp_department.config, {"password": sftp_department.password})
    Route.objects.update(ack_policy="signed")
    return route


@pytest.mark.parametrize("name", FORGED)
def test_answer_without_a_receipt_of_the_department_acknowledges_nothing(
    name, http_route, scripted, vendor, place_order, dispatch_of
):
    row = dispatch_of(place_order(vendor))
    document = {"ack": row.key, "receipt": FORGED[name](row.key).decode()}
    scripted.answers = [(200, {}, json.dumps(document).encode())]
    assert drain() == {"sent": 1}
    scripted.answers = [(200, {}, json.dumps({"receipt": receipt(row.key, "duplicate").decode()}).encode())]
    assert drain(now=timezone.now() + timedelta(days=2)) == {"acked": 1}, "the control: with it, it does"
    assert Ack.objects.get().outcome == "duplicate"


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("place", ["", "done/"])
def test_file_without_a_receipt_of_the_department_acknowledges_nothing(
    name, place, sftp_route, sftp_department, vendor, place_order, dispatch_of
):
    row = dispatch_of(place_order(vendor))
    drain()
    (file,) = sftp_department.files
    ack = sftp_department.inbox / f"{place}{file.name}.ack"
    ack.write_bytes(FORGED[name](row.key))
    file.rename(file.parent / "done" / file.name)
    assert drain(now=timezone.now() + LATER) == {}
    ack.write_bytes(receipt(row.key))
    assert drain(now=timezone.now() + 2 * LATER) == {"collected": 1}, "the control: with it, it does"


def test_merge_tools_receipts_satisfy_a_route_that_wants_them(
    sftp_route, sftp_department, vendor, place_order, dispatch_of, merge, tmp_path
):
    row = dispatch_of(place_order(vendor))
    drain()
    merge("--database", tmp_path / "books.sqlite", "--done", sftp_department.inbox)
    assert drain(now=timezone.now() + LATER) == {"collected": 1}
    assert (row.acks.get().outcome, row.acks.get().source) == ("applied", "file")


def test_department_that_had_sent_it_says_so_and_people_are_mailed(
    sftp_department, vendor, place_order, dispatch_of, merge, tmp_path, route_to, mailoutbox, django_user_model
):
    django_user_model.objects.create_superuser("mall@example.org", "secret", name="Mall")
    route_to("sftp", sftp_department.config, {"password": sftp_department.password})
    order = place_order(vendor)
    books = ("--database", tmp_path / "books.sqlite")
    drain()
    merge(*books, "--done", sftp_department.inbox)
    drain(now=timezone.now() + LATER)
    consignment = order.consignments.get()
    assert "sent" in merge(*books, "--sent", consignment.number).stdout
    consignment.lines.update(cancelled=2)
    services.revise_dispatch(consignment=consignment, now=timezone.now())
    drain()
    assert ": already sent" in merge(*books, "--done", sftp_department.inbox).stdout
    drain(now=timezone.now() + 2 * LATER)
    newest = Dispatch.objects.get(revision=2)
    assert (newest.state, newest.reason) == ("acked", services.TOO_LATE)
    assert alarms.send_alarms(timezone.now()) == 1
    assert alarms.send_alarms(timezone.now()) == 0
    (mail,) = mailoutbox
    assert "changes came too late" in mail.subject
    assert f"Consignment {consignment.number}: " in mail.body


def test_file_under_keys_that_sign_no_more_is_written_anew(
    route_to, sftp_department, vendor, place_order, dispatch_of, merge, tmp_path
):
    """The department took the old key out before it read the file: the next copy is signed with the new one."""
    new = envelope.SigningKey("fowlers", envelope.HMAC_SHA256, b"n" * 32)
    route_to("sftp", sftp_department.config, {"password": sftp_department.password})
    row = dispatch_of(place_order(vendor))
    drain()
    add_key(vendor=vendor, key=new)
    retire_key(vendor=vendor, key_id=KEY.key_id, now=timezone.now())
    (tmp_path / "merge_keys").write_text(new.line)
    books = ("--database", tmp_path / "books.sqlite")
    assert "No key of ours" in merge(*books, "--done", sftp_department.inbox).stderr
    drain(now=timezone.now() + timedelta(days=2))
    assert ": applied" in merge(*books, "--done", sftp_department.inbox).stdout
    assert (sftp_department.inbox / "done" / file_name(row.key, row.sha256)).exists()


def test_shop_without_a_key_is_held_and_said_so(route_to, scripted, vendor, place_order, dispatch_of):
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    VendorKey.objects.all().delete()
    row = dispatch_of(place_order(vendor))
    drain()
    row.refresh_from_db()
    assert (row.state, scripted.requests) == ("held", [])
    assert "No key signs for this shop" in Route.objects.get().reason


def test_bodies_carry_both_signatures_while_the_key_changes(route_to, scripted, vendor, place_order):
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    new = add_key(vendor=vendor)
    place_order(vendor)
    drain()
    (_, _, content) = scripted.requests[0]
    for key in (KEY, new):
        envelope.verify(content, envelope.ORDER, [key])
    with pytest.raises(envelope.ForgedDocumentError):
        envelope.verify(content, envelope.ORDER, [OTHER])

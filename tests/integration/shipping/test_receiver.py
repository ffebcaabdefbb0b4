"""The vendor's receiver: only what the mall signed, each once, the newest revision last."""

import json
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from shipping import body, envelope, keys, signatures
from tests.integration.shipping.conftest import HttpDepartment, at_work, signing_key, write_keys
from vendors.money import Money

KEY = signing_key("fowlers")
NOW = datetime.now(UTC)


def dispatch_body(revision=1, root=None, town="Sligo", action="ship", vendor="fowlers"):
    person = body.Recipient("Anna", "1 Quay", "", "", town, "IE", "anna@example.org", "")
    key = keys.make_key(root or keys.new_root(NOW), revision)
    items = () if action == "cancel" else (body.Item("TEA-1", "Assam", 1, Money(1200, "EUR")),)
    whole = body.DispatchBody(
        key, revision, vendor, "M-1-1", "M-1", NOW, "standard", Money(0, "EUR"), person, items, action
    )
    return key, body.serialize(whole)


def sealed(content, *keys):
    return envelope.seal(content, envelope.ORDER, keys or [KEY])


def post(department, key, content, *, stamp=None, secret=None, **changes):
    """Send a document whose request is signed as well."""
    headers = signatures.headers(
        secrets=[secret or department.secret], key=key, timestamp=stamp or int(time.time()), body=content
    )
    request = urllib.request.Request(department.url, content, headers | changes, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def send(department, *args, **options):
    """Send an order as the mall does; return what became of it."""
    key, content = dispatch_body(*args, **options)
    status, answer = post(department, key, sealed(content))
    return answer["outcome"] if status == 200 else status


def test_second_arrival_is_said_to_be_one(http_department):
    key, content = dispatch_body()
    for outcome in ("applied", "duplicate", "duplicate"):
        status, answer = post(http_department, key, sealed(content))
        assert (status, answer["ack"], answer["outcome"]) == (200, key, outcome)
        receipt = envelope.verify(answer["receipt"].encode(), envelope.RECEIPT, [KEY])
        assert json.loads(receipt) == {"v": 1, "ack": key, "outcome": outcome, "vendor": "fowlers"}
    assert list(http_department.jobs.values()) == [1]
    assert (http_department.folder / "inbox" / "orders.log").read_text().count(key) == 1


def test_newest_revision_wins_in_either_order(http_department):
    root = keys.new_root(datetime.now(UTC))
    found = [send(http_department, number, root, town) for number, town in ((2, "Galway"), (1, "Sligo"), (3, "Cork"))]
    assert found == ["applied", "older", "applied"]
    ((newest, content),) = http_department.rows("SELECT revision, body FROM consignments")
    assert (newest, json.loads(content)["address"]["town"]) == (3, "Cork")
    jobs = http_department.rows("SELECT revision, state FROM jobs ORDER BY id")
    assert jobs == [(2, "taken back"), (3, "open")], "one open job, of the newest"


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (1, 3, 2), (3, 1, 2), (2, 1, 3)])
def test_cancelled_consignment_ends_without_a_job_in_any_order_of_arrival(order, http_department):
    root = keys.new_root(datetime.now(UTC))
    actions = {1: "ship", 2: "amend", 3: "cancel"}
    for revision in (*order, *order):
        send(http_department, revision, root, action=actions[revision])
    assert http_department.rows("SELECT revision, state FROM consignments") == [(3, "cancelled")]
    assert not http_department.rows("SELECT * FROM jobs WHERE state = 'open' OR what <> 'pack'")


def test_what_was_sent_is_not_taken_back_and_the_receipt_says_so(http_department, merge):
    root = keys.new_root(datetime.now(UTC))
    send(http_department, 1, root)
    books = http_department.folder / "inbox" / "orders.sqlite"
    assert "M-1-1: sent" in merge("--database", books, "--sent", "M-1-1").stdout
    assert send(http_department, 2, root, "Cork", action="amend") == "already sent"
    assert send(http_department, 3, root, action="cancel") == "already sent"
    assert http_department.rows("SELECT state FROM consignments") == [("sent",)]
    assert http_department.rows("SELECT revision, state FROM jobs") == [(1, "done")]
    assert merge("--database", books, "--sent", "M-1-1").returncode == 1, "there is no open job of it"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """One receiver for all that it must refuse."""
    with at_work(HttpDepartment(tmp_path_factory.mktemp("guarded"))) as department:
        yield department


# Forgeries. The request around them is signed rightly; each would be worked by a receiver that reads before it checks.

OTHER = signing_key("thistle")


def resigned(change):
    """A signed order, its envelope changed."""

    def make():
        document = json.loads(sealed(dispatch_body()[1]))
        change(document)
        return json.dumps(document).encode()

    return make


def other_payload(document):
    document["payload"] = json.loads(sealed(dispatch_body(9, town="Thief’s Lane")[1]))["payload"]


def of_kind(kind):
    return lambda: envelope.seal(dispatch_body()[1], kind, [KEY])


FORGERIES = {
    "no envelope, the order alone": lambda: dispatch_body()[1],
    "the payload of another order": resigned(other_payload),
    "a later revision that nobody signed": lambda: sealed(dispatch_body(9)[1], OTHER),
    "the key of another shop": lambda: sealed(dispatch_body()[1], OTHER),
    "another shop's order under our key": lambda: sealed(dispatch_body(vendor="thistle")[1]),
    "the id of our key, the secret of another": resigned(
        lambda document: document["signatures"][0].update(
            sig=json.loads(sealed(dispatch_body()[1], OTHER))["signatures"][0]["sig"]
        )
    ),
    "no signatures": resigned(lambda document: document.update(signatures=[])),
    "signatures that are no list": resigned(lambda document: document.update(signatures={"keyid": KEY.key_id})),
    "a signature that is null": resigned(lambda document: document.update(signatures=[None])),
    "a signature that is no base64": resigned(lambda document: document["signatures"][0].update(sig="!!!!")),
    "a signature that is empty": resigned(lambda document: document["signatures"][0].update(sig="")),
    "a thousand signatures": resigned(lambda document: document.update(signatures=document["signatures"] * 1000)),
    "a receipt sent back as an order": of_kind(envelope.RECEIPT),
    "a spreadsheet's signature": of_kind(envelope.CSV),
    "another kind in the envelope alone": resigned(lambda document: document.update(payloadType="text/plain")),
    "an algorithm of the sender's choice": resigned(
        lambda document: document["signatures"].__setitem__(0, {"keyid": "none", "alg": "none", "sig": ""})
    ),
    "a signature of the bytes without their kind": resigned(
        lambda document: document["signatures"][0].update(sig="QUFB" * 11)
    ),
    "one byte more": resigned(lambda document: document.update(payload="AAAA" + document["payload"])),
    "a body that is no JSON": lambda: b"\xff\xfe order",
    "JSON nested ten thousand deep": lambda: b"[" * 10_000,
    "JSON nested in objects": lambda: b'{"a":' * 10_000,
    "JSON nested behind a string": lambda: b'{"x":"' + b"[" * 99 + b'","y":' + b"[" * 50 + b"]" * 50 + b"}",
    "a number that never ends": lambda: b'{"payload": ' + b"9" * 9000 + b"}",
    "a list": lambda: b"[]",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_order_is_refused(name, guarded):
    before = guarded.arrivals
    assert post(guarded, "csg_x", FORGERIES[name]())[0] == 401
    assert guarded.arrivals == before
    assert send(guarded) == "applied", "the control: the same server takes what the mall signed"


@pytest.mark.parametrize("forgery", ["other secret", "old", "garbage", "none", "other key", "changed body"])
def test_request_that_is_not_signed_is_refused(forgery, guarded):
    key, order = dispatch_body()
    content = sealed(order)
    other = signatures.sign(secret=guarded.secret, key=key, timestamp=int(time.time()), body=b"other")
    options = {
        "other secret": {"secret": signatures.PREFIX + "QUFB" * 11},
        "old": {"stamp": int(time.time()) - 301},
        "garbage": {"webhook-signature": "garbage v1,!!! v2,QUFB v1"},
        "none": {"webhook-signature": ""},
        "other key": {"webhook-id": "csg_other_r1"},
        "changed body": {"webhook-signature": other},
    }[forgery]
    assert post(guarded, key, content, **options)[0] == 401
    assert key not in guarded.arrivals


@pytest.mark.parametrize(
    "content",
    [
        *(b'{"v":1}', b"[]", b'{"v":2,"action":"ship","key":"csg_x"}'),
        dispatch_body()[1].replace(b'"ship"', b'"shred"'),
        dispatch_body()[1].replace(b'"revision":1', b'"revision":7'),
        dispatch_body()[1].replace(b'"v":1', b'"v":2'),
        dispatch_body()[1].replace(b'"order":"M-1"', b'"order":["M-1"]'),
    ],
)
def test_signed_document_that_is_no_order_is_refused(content, guarded):
    before = guarded.arrivals
    assert post(guarded, "csg_x", sealed(content))[0] in {401, 422}
    assert guarded.arrivals == before


def test_same_key_with_other_content_is_refused(http_department):
    root = keys.new_root(datetime.now(UTC))
    send(http_department, 1, root, "Sligo")
    assert send(http_department, 1, root, "Cork") == 400
    ((content,),) = http_department.rows("SELECT body FROM consignments")
    assert json.loads(content)["address"]["town"] == "Sligo"


def test_key_changes_without_a_gap(http_department):
    """Both sign; the department takes the new line at any time; then the old one ends at both sides."""
    new = envelope.SigningKey("fowlers", envelope.HMAC_SHA256, b"n" * 32)
    key, content = dispatch_body()
    assert post(http_department, key, sealed(content, KEY, new))[1]["outcome"] == "applied", "before it knows the new"
    with http_department.keys.open("a") as file:
        file.write(f"# since today\n{new.line}\n")
    assert post(http_department, key, sealed(content, new))[1]["outcome"] == "duplicate"
    http_department.keys.write_text(new.line)
    assert post(http_department, key, sealed(content, KEY))[0] == 401, "the old key counts no more"
    assert post(http_department, key, sealed(content, KEY, new))[1]["outcome"] == "duplicate"
    http_department.keys.write_text("half a line")
    assert post(http_department, key, sealed(content, new))[1]["outcome"] == "duplicate", (
        "a broken file changes nothing"
    )


def test_department_of_two_shops_keeps_them_apart(http_department):
    write_keys(http_department.keys, "fowlers", "thistle")
    root = keys.new_root(datetime.now(UTC))
    key, content = dispatch_body(1, root, vendor="thistle")
    assert post(http_department, key, sealed(content, KEY))[0] == 401, "one shop's key, the other's order"
    assert post(http_department, key, sealed(content, OTHER))[1]["outcome"] == "applied"
    assert send(http_department, 2, root) == 400, "and no revision of the other's"


def test_verifier_of_the_standard_agrees_with_ours(http_department):
    key, order = dispatch_body()
    content = sealed(order)
    theirs = Webhook(http_department.secret).sign(key, datetime.now(UTC), content.decode())
    assert post(http_department, key, content, **{"webhook-signature": theirs})[0] == 200

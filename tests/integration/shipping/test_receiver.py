"""The vendor's receiver: only what the mall signed, each once, the newest revision last."""

import json
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from shipping import body, keys, signatures
from vendors.money import Money


def dispatch_body(revision=1, root=None, town="Sligo"):
    now = datetime.now(UTC)
    person = body.Recipient("Anna", "1 Quay", "", "", town, "IE", "anna@example.org", "")
    key = keys.make_key(root or keys.new_root(now), revision)
    items = (body.Item("TEA-1", "Assam", 1, Money(1200, "EUR")),)
    whole = body.DispatchBody(key, revision, "fowlers", "M-1-1", "M-1", now, "standard", Money(0, "EUR"), person, items)
    return key, body.serialize(whole)


def post(department, key, content, *, stamp=None, secret=None, **changes):
    headers = signatures.headers(
        secrets=[secret or department.secret], key=key, timestamp=stamp or int(time.time()), body=content
    )
    request = urllib.request.Request(department.url, content, headers | changes, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_second_arrival_is_said_to_be_one(http_department):
    key, content = dispatch_body()
    assert post(http_department, key, content) == (200, {"ack": key})
    assert post(http_department, key, content) == (200, {"ack": key, "duplicate": True})
    assert list(http_department.jobs.values()) == [1]
    assert (http_department.folder / "inbox" / "orders.log").read_text().count(key) == 1


def test_newest_revision_wins_in_either_order(http_department):
    root = keys.new_root(datetime.now(UTC))
    for revision, town in ((2, "Galway"), (1, "Sligo"), (3, "Cork")):
        assert post(http_department, *dispatch_body(revision, root, town))[0] == 200
    ((newest, content),) = http_department.rows("SELECT revision, body FROM consignments")
    assert (newest, json.loads(content)["address"]["town"]) == (3, "Cork")
    assert http_department.rows("SELECT revision FROM jobs ORDER BY id") == [(2,), (3,)]


@pytest.mark.parametrize(
    ("forgery", "status"),
    [
        ("other secret", 401), ("old", 401), ("garbage", 401), ("none", 401), ("other key", 401),
        ("changed body", 401), ("not an order", 422), ("nested", 422), ("no order to ship", 422),
    ],
)  # fmt: skip
def test_forged_order_is_refused(forgery, status, http_department):
    key, content = dispatch_body()
    other = signatures.PREFIX + "QUFB" * 11
    answers = {
        "other secret": lambda: post(http_department, key, content, secret=other),
        "old": lambda: post(http_department, key, content, stamp=int(time.time()) - 301),
        "garbage": lambda: post(http_department, key, content, **{"webhook-signature": "garbage v1,!!! v2,QUFB v1"}),
        "none": lambda: post(http_department, key, content, **{"webhook-signature": ""}),
        "other key": lambda: post(http_department, key, content, **{"webhook-id": "csg_other_r1"}),
        "changed body": lambda: post(http_department, key, content, **signed_for_another(http_department, key)),
        "nested": lambda: post(http_department, key, b"[" * 100_000),
        "no order to ship": lambda: post(http_department, key, content.replace(b'"ship"', b'"cancel"')),
        "not an order": lambda: post(http_department, key, b'{"v": 1}'),
    }  # fmt: skip
    assert answers[forgery]()[0] == status
    assert http_department.jobs == {}


def signed_for_another(department, key):
    signature = signatures.sign(secret=department.secret, key=key, timestamp=int(time.time()), body=b"other")
    return {"webhook-signature": signature}


def test_same_key_with_other_content_is_refused(http_department):
    root = keys.new_root(datetime.now(UTC))
    post(http_department, *dispatch_body(1, root, "Sligo"))
    assert post(http_department, *dispatch_body(1, root, "Cork"))[0] == 400
    ((content,),) = http_department.rows("SELECT body FROM consignments")
    assert json.loads(content)["address"]["town"] == "Sligo"


def test_verifier_of_the_standard_agrees_with_ours(http_department):
    key, content = dispatch_body()
    theirs = Webhook(http_department.secret).sign(key, datetime.now(UTC), content.decode())
    assert post(http_department, key, content, **{"webhook-signature": theirs})[0] == 200

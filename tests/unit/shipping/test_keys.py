"""Keys, signatures and the names that derive from them."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from shipping import keys, signatures

NOW = datetime.now(UTC)


def test_keys_of_later_consignments_sort_behind():
    roots = [keys.new_root(datetime(2026, 1, day, tzinfo=UTC)) for day in range(1, 9)]
    assert roots == sorted(roots)
    assert {root.version for root in roots} == {7}


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(st.integers(1, 99_999))
def test_key_holds_root_and_revision(revision):
    root = keys.new_root(NOW)
    key = keys.make_key(root, revision)
    assert keys.parse_root(key) == root
    assert "." not in key, "Standard Webhooks joins its parts with dots"


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(st.text())
def test_no_file_is_named_after_what_people_type(text):
    with pytest.raises(ValueError, match="Not a consignment's key"):
        keys.file_name(text, "0" * 64)


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(st.binary(min_size=24, max_size=64), st.text())
def test_signature_is_what_the_standard_verifies(secret, text):
    written = "whsec_" + base64.b64encode(secret).decode()
    key, body = keys.make_key(keys.new_root(NOW), 1), json.dumps({"text": text}).encode()
    headers = signatures.headers(secrets=[written], key=key, timestamp=int(datetime.now(UTC).timestamp()), body=body)
    assert Webhook(written).verify(body, headers) == {"text": text}
    with pytest.raises(WebhookVerificationError):
        Webhook(written).verify(body + b" ", headers)


def test_while_keys_change_old_and_new_verify():
    old, new, other = ("whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2, 3))
    stamp = int(datetime.now(UTC).timestamp())
    headers = signatures.headers(secrets=[new, old], key="csg_x", timestamp=stamp, body=b"{}")
    Webhook(old).verify(b"{}", headers)
    Webhook(new).verify(b"{}", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(b"{}", headers)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!!", "whsec_" + base64.b64encode(b"short").decode()])
def test_weak_secret_is_refused(secret):
    with pytest.raises(ValueError, match="secret"):
        signatures.key_bytes(secret)

"""Envelopes: the standard's own vector, both sides' agreement, and any bytes and any damage."""

import contextlib
import importlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipping import envelope
from shipping.envelope import CSV, ORDER, ForgedDocumentError, SigningKey

SITES = Path(__file__).parents[3] / "deploy" / "vendor_sites"
KEY = SigningKey.generate("fowlers")
EXAMPLES = settings(deadline=None, max_examples=50)  # a busy machine is no failure


@pytest.fixture
def theirs(monkeypatch):
    """The department's half, which shares no code with the mall's."""
    monkeypatch.syspath_prepend(str(SITES))
    return importlib.import_module("signed_document")


def test_signed_bytes_are_those_of_the_standard(theirs):
    """The vector of DSSE's protocol.md."""
    kind, payload = "http://example.com/HelloWorld", b"hello world"
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert envelope.pae(kind, payload) == theirs.encode(kind, payload) == expected


def test_both_sides_agree_on_keys_and_documents(theirs):
    key = theirs.Key(KEY.line)
    assert key.id == KEY.key_id
    content = envelope.seal(b"order", ORDER, [SigningKey.generate("fowlers"), KEY])
    assert theirs.verify(content, theirs.ORDER, {key.id: key})[0] == b"order"
    receipt = theirs.seal(b"receipt", theirs.RECEIPT, key).encode()
    assert envelope.verify(receipt, envelope.RECEIPT, [KEY]) == b"receipt"
    sheet = envelope.seal(b"a,b", CSV, [KEY], detached=True)
    assert theirs.verify(sheet, theirs.CSV, {key.id: key}, detached=b"a,b")[1] is key
    assert "payload" not in json.loads(sheet)


@EXAMPLES
@given(st.binary())
def test_any_bytes_arrive_exactly(payload):
    assert envelope.verify(envelope.seal(payload, ORDER, [KEY]), ORDER, [KEY]) == payload


@EXAMPLES
@given(st.binary(max_size=200))
def test_any_other_content_is_refused_and_nothing_else(content):
    with pytest.raises(ForgedDocumentError):
        envelope.verify(content, ORDER, [KEY])


@EXAMPLES
@given(st.integers(0, 400), st.integers(0, 255))
def test_any_damage_to_a_document_is_refused_or_changes_nothing(place, byte):
    good = envelope.seal(b"send 1 lamp to Sligo", ORDER, [KEY])
    damaged = good[: place % len(good)] + bytes([byte]) + good[place % len(good) + 1 :]
    with contextlib.suppress(ForgedDocumentError):
        assert envelope.verify(damaged, ORDER, [KEY]) == b"send 1 lamp to Sligo"


@pytest.mark.parametrize(
    ("content", "depth"),
    [
        (b"", 0), (b"{}", 1), (b"[[]]", 2), (b'{"a": "[[["}', 1), (b'{"a": "\\"[[["}', 1), (b'["\\\\", [1]]', 2),
        (b"[" * 100, 100), (b"]]]][[", 2 - 4 + 2), (b'"[[[', 3),
    ],
)  # fmt: skip
def test_depth_is_known_without_parsing(content, depth, theirs):
    assert envelope.depth_of(content) == theirs.depth_of(content) == depth


@pytest.mark.parametrize(
    "line", ["", "fowlers", "fowlers hmac-sha256", "fowlers hmac-sha256 !!!", "fowlers hmac-sha256 QUFB",
             "fowlers md5 " + "A" * 44, "a b hmac-sha256 " + "A" * 44]
)  # fmt: skip
def test_line_that_is_no_key_is_refused(line, theirs):
    with pytest.raises(ValueError, match=r"key|unpack|padded|base64|values"):
        theirs.Key(line)
    with pytest.raises(ValueError, match="key"):
        SigningKey.parse(line)


def test_secret_is_not_shown():
    assert KEY.line.split()[2] not in repr(KEY)
    assert str(KEY.secret) not in repr(KEY)

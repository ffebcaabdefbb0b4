"""Amounts of money as people type them, read into minor units, and written for a field or a cell."""

from __future__ import annotations

import re
from decimal import Decimal

from babel.numbers import get_currency_symbol
from django.utils.translation import gettext

from vendors.money import Money, minor_digits

HIGHEST = 2**31 - 1  # of minor units, as the columns hold them
WHOLE = re.compile(r"[0-9]+")
GROUPED = re.compile(r"[1-9][0-9]{0,2}(?P<mark>[.,’' ])[0-9]{3}(?:(?P=mark)[0-9]{3})*")
SPACES = dict.fromkeys(map(ord, "\t\u00a0\u2007\u2009\u202f"), " ")
LOCALES = ("en_IE", "en_US", "de_DE", "pl_PL", "sv_SE", "cs_CZ")  # whose signs people type: €, $, zł, kr, Kč


class AmountError(ValueError):
    """Report a text that is no amount of money, in words for its author."""


def parse_amount(text: str, currency: str) -> int:
    """Return the minor units of an amount as typed: 12.50, 12,50, 1.234,50, 1,234.50, € 12.

    Raise AmountError for a text that is no amount, or may be two: 1,234 is a thousand to some and one to others.
    """
    digits = minor_digits(currency)
    number = _without_sign(text.translate(SPACES).strip(), currency)
    whole, decimals = _split(number, digits)
    if not (WHOLE.fullmatch(whole) or GROUPED.fullmatch(whole)) or (decimals and not WHOLE.fullmatch(decimals)):
        raise AmountError(
            gettext("“%(text)s” is no amount: write %(example)s.") % {"text": text, "example": _example(currency)}
        )
    if len(decimals) > digits:
        raise AmountError(
            gettext("“%(text)s” has more than %(digits)s decimals, and %(currency)s has none so small.")
            % {"text": text, "digits": digits, "currency": currency}
        )
    if digits and not decimals and len(re.findall(r"[.,]", whole)) == 1:
        thousand = re.sub(r"[.,]", "", whole)
        raise AmountError(
            gettext("“%(text)s” may be %(thousand)s or %(decimal)s: write %(example)s.")
            % {
                "text": text,
                "thousand": thousand,
                "decimal": whole.replace(",", "."),
                "example": f"{thousand}.{'0' * digits}",
            }
        )
    minor = Decimal(
        re.sub(r"[^0-9]", "", whole) + decimals.ljust(digits, "0")
    )  # an int refuses to be as long as a text
    if minor > HIGHEST:
        raise AmountError(
            gettext("“%(text)s” is too much: %(money)s is the most.")
            % {"text": text[:40], "money": Money(HIGHEST, currency)}
        )
    return int(minor)


def format_amount(minor: int, currency: str) -> str:
    """Return an amount as a plain number, as it is typed: 12.50."""
    return f"{Decimal(minor).scaleb(-minor_digits(currency)):f}"


def _split(number: str, digits: int) -> tuple[str, str]:
    """Split a number at its decimal mark: the last point or comma, unless it parts thousands, or may do so."""
    last = max(number.rfind("."), number.rfind(","))
    is_grouping = GROUPED.fullmatch(number) and not (digits == 3 and number.count(number[last]) == 1)
    if last < 0 or not digits or is_grouping:
        return number, ""
    return number[:last], number[last + 1 :]


def _without_sign(text: str, currency: str) -> str:
    """Return the text without the currency's sign or code before or behind it."""
    signs = {currency, *(get_currency_symbol(currency, locale=locale) for locale in LOCALES)}
    for sign in sorted(signs, key=len, reverse=True):
        if text.upper().startswith(sign.upper()):
            return text[len(sign) :].strip()
        if text.upper().endswith(sign.upper()):
            return text[: -len(sign)].strip()
    return text


def _example(currency: str) -> str:
    return format_amount(1250 if minor_digits(currency) == 2 else 12 * 10 ** minor_digits(currency), currency)

"""Cells that a spreadsheet program would run as formulas: written with an apostrophe before them, read without it.

OWASP, "CSV Injection": a cell that begins with one of these signs, or their wide forms, may be run when it is opened.
What is written so is read again as it was, whatever it was.
"""

SIGNS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})
APOSTROPHE = "'"


def escape(text: str) -> str:
    """Return the text of a cell that no program runs as a formula."""
    return APOSTROPHE + text if _is_special(text) else text


def unescape(text: str) -> str:
    """Return the text that ``escape`` was given."""
    return text[1:] if text.startswith(APOSTROPHE) and _is_special(text[1:]) else text


def _is_special(text: str) -> bool:
    begin = text.lstrip(" ")[:1]
    return begin == APOSTROPHE or begin in SIGNS or text in ERRORS

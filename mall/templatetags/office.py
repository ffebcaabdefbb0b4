"""Template tags of the back office: the cells of a list with the names of their columns, for cards on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

register = template.Library()
OPENING = len("<td")


@register.filter
def labelled(cells: Iterable[SafeString], headers: list[dict[str, Any]]) -> Iterator[SafeString]:
    """Yield the cells of a row, each with the text of its column's header in ``data-label``."""
    for cell, header in zip_longest(cells, headers):
        if cell is None:
            return
        text = capfirst(header["text"]) if header and "<" not in str(header["text"]) else ""
        attribute = format_html(' data-label="{}"', text) if text else ""
        yield mark_safe(f"{cell[:OPENING]}{attribute}{cell[OPENING:]}")  # noqa: S308 -- of parts that are safe

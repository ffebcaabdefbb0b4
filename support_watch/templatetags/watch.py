"""Template filters of the staff page: times and ages, in the format of the page's script."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils import dateformat, timezone

register = template.Library()
STATES = {"active": ("good", "Here"), "idle": ("calm", "Idle"), "away": ("calm", "Away")}


@register.filter
def moment(milliseconds: int, layout: str) -> str:
    """Format a time in ms since 1970, in local time by Django's date format."""
    return dateformat.format(timezone.localtime(datetime.fromtimestamp(milliseconds / 1000, UTC)), layout)


@register.filter
def age(since: int, now: int) -> str:
    """Format the time between ``since`` and ``now`` (both ms): 40 s, 12 min, 3 h 5 min."""
    return spell(max(0, (now - since) // 1000))


@register.filter
def spell(seconds: int) -> str:
    """Format a time in seconds: 40 s, 12 min, 3 h 5 min."""
    hours, minutes = divmod(seconds // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


@register.filter
def state_shape(state: str) -> str:
    """Return the badge of a visitor's state."""
    return STATES[state][0]


@register.filter
def state_word(state: str) -> str:
    """Return the word for a visitor's state."""
    return STATES[state][1]

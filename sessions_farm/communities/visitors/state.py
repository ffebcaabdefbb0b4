"""State of a visitor over sessions and months: a scope of the visitor's own (XSession's user state)."""

from __future__ import annotations

from typing import Any

from sessions_farm.session.scopes import Scope


def visitor_state(visitor_id: object) -> Scope:
    """What is kept of a visitor over sessions, log-ins and months (XSession's user state); never from a copy."""
    return Scope("visitor", str(visitor_id), fresh_for=0)


def join_visitors(*, source: Any, target: Any, **_kwargs: Any) -> None:
    """What is kept of a visitor who turns out to be another: what that one lacks."""
    kept, own = visitor_state(source.pk), visitor_state(target.pk)
    lacking = {name: value for name, value in kept.items() if name not in own}
    if lacking:
        own.update(lacking)

"""State of a visitor over sessions and months: a scope of the visitor's own (XSession's user state)."""

from __future__ import annotations

from typing import Any

from sessions_farm.session.scopes import Scope


def visitor_state(visitor_id: object) -> Scope:
    """Return the dictionary of a visitor, kept over sessions, log-ins and months; it is never read from a copy."""
    return Scope("visitor", str(visitor_id), fresh_for=0)


def merge_visitor_state(*, source: Any, target: Any, **_kwargs: Any) -> None:
    """Receive ``visitors_merging``: copy the names that the target lacks."""
    old, kept = visitor_state(source.pk), visitor_state(target.pk)
    lacking = {name: value for name, value in old.items() if name not in kept}
    if lacking:
        kept.update(lacking)

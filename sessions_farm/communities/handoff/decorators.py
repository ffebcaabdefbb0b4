"""The decorator of views that need the mall id: under a lazy policy, their pages begin the hand-off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions_farm.web.decorators import wrapped

MARK = "needs_mall_id"


def mall_id_required[View: Callable[..., Any]](view: View) -> View:
    """Serve a view, such as a cart's, with the mall id wherever a hand-off can bring it.

    Under the eager policy every page comes so already. Nothing is refused: robots, browsers without cookies and
    visitors of a master that is down get the page without an id.
    """
    marked = wrapped(view)
    setattr(marked, MARK, True)
    return marked


def requires_mall_id(view: Callable[..., Any]) -> bool:
    """Return whether a view has the decorator."""
    return bool(getattr(view, MARK, False))

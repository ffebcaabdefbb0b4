"""Marks a view that needs the mall id: under a lazy policy, its page is where the hand-off begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions_farm.web.decorators import wrapped

MARK = "needs_mall_id"


def mall_id_required[View: Callable[..., Any]](view: View) -> View:
    """Let a page come with the mall id wherever a hand-off can bring it, as a cart's does.

    Under the eager policy every page does so already. Nothing is refused: robots, browsers without cookies and a master
    that is away get the page without an id.
    """
    marked = wrapped(view)
    setattr(marked, MARK, True)
    return marked


def is_required(view: Callable[..., Any]) -> bool:
    return bool(getattr(view, MARK, False))

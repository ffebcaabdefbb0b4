"""Marks a view that needs the mall id: under a lazy policy, its page is where the hand-off begins."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction

MARK = "needs_mall_id"


def mall_id_required[View: Callable[..., Any]](view: View) -> View:
    """Let a page come with the mall id wherever a hand-off can bring it, as a cart's does.

    Under the eager policy every page does so already. Nothing is refused: robots, browsers without cookies and a master
    that is away get the page without an id.
    """
    if iscoroutinefunction(view):

        @functools.wraps(view)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await view(*args, **kwargs)
    else:

        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

    setattr(wrapper, MARK, True)
    return wrapper  # type: ignore[return-value]  # of the same shape


def is_required(view: Callable[..., Any]) -> bool:
    return bool(getattr(view, MARK, False))

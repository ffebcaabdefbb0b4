"""Wraps a view so that a decorator can mark the wrapper: the view itself stays as it is for who uses it elsewhere."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction


def wrapped[View: Callable[..., Any]](view: View) -> View:
    """A view that does the same, and is a coroutine function where the view is one."""
    if iscoroutinefunction(view):

        @functools.wraps(view)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await view(*args, **kwargs)
    else:

        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

    return wrapper  # type: ignore[return-value]  # of the same shape

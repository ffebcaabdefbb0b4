"""Admin classes as the site registers them: the project's own, with the site's mixins."""

from __future__ import annotations

import functools
from typing import Any


@functools.cache
def mixed(mixin: type[Any], options: type[Any], form: type[Any] | None = None) -> type[Any]:
    """Return an admin's or inline's class with a mixin before it, and another form if one is given."""
    own = {"__module__": options.__module__, "__doc__": options.__doc__} | ({"form": form} if form else {})
    return type(options.__name__, (mixin, options), own)

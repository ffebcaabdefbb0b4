"""Lazy fetches refused: the project's own code reads no related row or deferred field one by one.

Tests, and what only they and the admin's frame do (Django's and other packages' code), may be lazy.
"""

import sys
from pathlib import Path
from typing import Any

from django.db.models.fetch_modes import FETCH_ONE, FETCH_RAISE, FetchMode

PROJECT = f"{Path(__file__).resolve().parent.parent.parent}/"
LAZY = {"tests", "deploy"}  # first folders


class RefusedToTheProject(FetchMode):
    """Raise FieldFetchBlocked where the next caller outside of Django is the project's code."""

    __slots__ = ()

    def fetch(self, fetcher: Any, instance: Any) -> None:
        """Fetch for a test only."""
        (FETCH_RAISE if is_called_by_the_project() else FETCH_ONE).fetch(fetcher, instance)


REFUSED = RefusedToTheProject()


def is_called_by_the_project() -> bool:
    """Return whether the nearest caller within the project is no test; a template counts for the view that renders."""
    frame = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(PROJECT) and "/.venv/" not in path:
            folders = path.removeprefix(PROJECT).split("/")
            return folders[0] not in LAZY and "tests" not in folders
        frame = frame.f_back
    return False

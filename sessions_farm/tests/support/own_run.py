"""How the package's own tests are run outside the project that they were written in."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path

import sessions_farm

ROOT = Path(sessions_farm.__file__).parent.parent
INI = Path(__file__).with_suffix(".ini")
SUITES = {  # its folder from the root, its settings
    "engine": ("sessions_farm/tests", "sessions_farm.tests.settings"),
    "communities": ("sessions_farm/communities/tests", "sessions_farm.communities.tests.settings"),
}


def pytest_command(root: Path = ROOT, ini: Path = INI) -> list[str]:
    """Return the command that runs pytest, whatever configures it elsewhere; it writes nothing below ``root``."""
    is_installed = bool(entry_points(group="pytest11", name="sessions_farm"))
    return [
        *(sys.executable, "-m", "pytest", "-c", str(ini), "--rootdir", str(root), "--confcutdir", str(root)),
        *("-p", "no:cacheprovider", "-p", "no:asyncio"),
        *(() if is_installed else ("-p", "sessions_farm.testing.pytest_plugin")),
    ]

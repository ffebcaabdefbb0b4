"""Put each fault of the checkout back once and see the suite notice: a table, of all mutants or of those named.

``python -m tests.support.checkout_mutation [NAME…]``

The tests run in the project itself, each run on a database of its own; no file is changed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from sessions_farm.communities.tests.support import mutation
from sessions_farm.communities.tests.support.mutant import ROOT
from tests.support import checkout_mutants, private_servers


class WholeProject(mutation.Project):
    """The project itself, with a database of its own for one run of pytest at a time."""

    def __init__(self, folder: Path) -> None:
        number = int(folder.name)
        self.folder = ROOT
        self.command = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider"]
        self.own = {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/mutants{number}").geturl(),
            "REDIS_URL": private_servers.numbered(os.environ["REDIS_URL"], number),
            "SCALE": "4",  # of the acts in any order there are few at `make test`, and two mutants outlived those of 2
        }


def main(names: list[str]) -> int:
    """0 where each mutant was caught."""
    private_servers.start()
    return mutation.main(names, checkout_mutants, WholeProject)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

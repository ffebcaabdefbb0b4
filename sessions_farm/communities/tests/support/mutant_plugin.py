"""A pytest plugin that gives the run one module without one defence; no file is changed.

``MUTANT=name MUTANTS=module.of.the.list pytest -p sessions_farm.communities.tests.support.mutant_plugin``. It ends with
NO_MUTANT where red would prove nothing.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path

import pytest

from sessions_farm.communities.tests.support.mutant import LISTED, ROOT, LostTextError

NO_MUTANT = 9  # pytest's own exit codes end with 6

mutant = import_module(os.environ[LISTED]).BY_NAME[os.environ["MUTANT"]]
path = str(ROOT / mutant.module)
loaded = []


class MutantLoader(SourceFileLoader):
    """Compiles the changed source, past the cache of compiled modules."""

    def get_code(self, fullname):
        loaded.append(fullname)
        return self.source_to_code(mutant.applied_to(Path(self.path).read_text()), self.path)


class MutantFinder:
    """Stands before Python's own finders, for the one module."""

    @staticmethod
    def find_spec(fullname, search_path, target=None):
        if fullname != mutant.dotted:
            return None
        spec = PathFinder.find_spec(fullname, search_path, target)
        spec.loader = MutantLoader(fullname, spec.origin)
        return spec


def pytest_exception_interact(call):
    """A module that crashes is red whatever it defended."""
    if str(call.excinfo.traceback[-1].path) == path:
        pytest.exit(f"The mutant {mutant.name!r} is no working code: {call.excinfo.exconly()}", returncode=NO_MUTANT)


def pytest_sessionfinish():
    if not loaded:
        pytest.exit(f"No test loads {mutant.module}, so {mutant.name!r} was never tried.", returncode=NO_MUTANT)


if mutant.dotted in sys.modules:
    raise pytest.UsageError(f"{mutant.module} is imported already; {mutant.name!r} comes too late.")
try:
    mutant.applied_to(Path(path).read_text())
except LostTextError as error:
    raise pytest.UsageError(str(error)) from None
sys.meta_path.insert(0, MutantFinder)

"""README.md, DOMAINS.md and ATTACKS.md mention names that are there."""

from pathlib import Path

import pytest

from sessions_farm import communities
from sessions_farm.tests.support.documentation import exists, names

FOLDER = Path(communities.__file__).parent


@pytest.mark.parametrize("file", ["README.md", "DOMAINS.md", "ATTACKS.md"])
def test_names_exist(file):
    assert [name for name in sorted(names(FOLDER / file)) if not exists(name)] == []

"""The department's program that reads a Maildir, beside a mail program that has the same folder open."""

import importlib
from pathlib import Path

import pytest

SITES = Path(__file__).parents[3] / "deploy" / "vendor_sites"


@pytest.fixture
def mall_merge(monkeypatch):
    monkeypatch.syspath_prepend(str(SITES))
    return importlib.import_module("mall_merge")


def test_message_that_moves_while_the_folder_is_read_is_read_once(mall_merge, tmp_path):
    for folder in ("new", "cur"):
        (tmp_path / folder).mkdir()
    for name in "abc":
        (tmp_path / "new" / name).write_bytes(name.encode())
    found = mall_merge.messages(tmp_path)
    assert next(found) == ("a", b"a")
    (tmp_path / "new" / "b").rename(tmp_path / "cur" / "b:2,S")
    assert dict(found) == {"c": b"c", "b:2,S": b"b"}

"""Which names are public suffixes, with the list and without it."""

from __future__ import annotations

import sys

import pytest

from sessions_farm.communities import public_suffixes
from sessions_farm.communities.public_suffixes import is_public_suffix


@pytest.fixture
def _with_the_list():
    pytest.importorskip("publicsuffixlist")


@pytest.fixture
def _without_the_list(monkeypatch):
    monkeypatch.setitem(sys.modules, "publicsuffixlist", None)  # importing it fails, as where it is not installed
    public_suffixes.bundled_list.cache_clear()
    yield
    public_suffixes.bundled_list.cache_clear()


@pytest.mark.usefixtures("_with_the_list")
@pytest.mark.parametrize(
    "host",
    [
        "com",
        "co.uk",
        "CO.UK",
        "co.uk.",
        "github.io",  # a company's
        "kobe.jp",  # the base of *.kobe.jp
        "any.kobe.jp",
        "xn--p1ai",
        "xn--55qx5d.cn",  # 公司.cn
        "localhost",  # not in the list, as are the next ones
        "test",
    ],
)
def test_below_a_public_suffix_anybody_may_have_a_name(host):
    assert is_public_suffix(host)


@pytest.mark.usefixtures("_with_the_list")
@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "example.co.uk",
        "vendors.example.co.uk",
        "someone.github.io",
        "city.kobe.jp",  # excepted from *.kobe.jp
        "shop.any.kobe.jp",
        "shop.xn--55qx5d.cn",
        "xn--bcher-kva.xn--p1ai",
        "shops.test",
        "shops.localhost",
    ],
)
def test_a_name_of_somebody_is_no_public_suffix(host):
    assert not is_public_suffix(host)


@pytest.mark.usefixtures("_without_the_list")
def test_without_the_list_one_label_is_a_public_suffix_and_two_are_not():
    assert is_public_suffix("com")
    assert is_public_suffix("com.")
    assert is_public_suffix("test")
    assert not is_public_suffix("shops.test")
    assert not is_public_suffix("co.uk"), "known by the list alone"

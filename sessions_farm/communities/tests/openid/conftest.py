"""Three external members, and a shopper's browser."""

import pytest

from sessions_farm.communities.tests.support.external_client import ExternalClient
from sessions_farm.communities.tests.support.walking import MALL
from sessions_farm.testing.browser import BrowserClient


@pytest.fixture
def press(two_communities):
    return ExternalClient(two_communities.mall, "press.test")


@pytest.fixture
def radio(two_communities):
    """Another external member of the same community."""
    return ExternalClient(two_communities.mall, "radio.test")


@pytest.fixture
def organ(two_communities):
    """An external member of the other community."""
    return ExternalClient(two_communities.fair, "organ.test")


@pytest.fixture
def shopper():
    """A browser whose visitor the mall knows, with something in the cart and in the session."""
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    browser.post("/add", {"line": "spade"})
    return browser

"""Fixtures of the engine's tests: two nodes, each with its own line to Redis."""

from __future__ import annotations

import secrets

import pytest

from sessions_farm.session import audience
from sessions_farm.tests.support.cable import RedisCable
from sessions_farm.tests.support.scale import (  # noqa: F401 -- pytest finds them by name
    at_proof,
    pytest_collection_modifyitems,
    scale,
)
from sessions_farm.tests.support.stores_fixtures import REDIS_URL, make_node


@pytest.fixture(autouse=True)
def _engine_by_itself(monkeypatch):
    """Leave out the audiences of the apps that are installed beside the engine."""
    monkeypatch.setattr(audience, "_finders", [])


@pytest.fixture
def cable():
    line = RedisCable(REDIS_URL)
    yield line
    line.clogged = False
    line.cut()


@pytest.fixture
def prefix():
    return f"farm-{secrets.token_hex(4)}"


@pytest.fixture
def node(cable, prefix):
    return make_node(cable.url, prefix)


@pytest.fixture
def other(prefix):
    """Another node, whose line to Redis is its own and always fine."""
    return make_node(REDIS_URL, prefix)

"""The fixtures of the tests of the admin: its site, the community, and two persons who are signed in."""

import pytest

from sessions_farm.communities.tests.support.registry_admin import make_boss, make_clerk, serve_admin, signed_in


@pytest.fixture(autouse=True)
def _admin(db, settings, tmp_path):
    yield from serve_admin(settings, tmp_path)


@pytest.fixture
def mall(two_communities):
    return two_communities.mall


@pytest.fixture
def boss():
    return signed_in(make_boss())


@pytest.fixture
def clerk():
    return signed_in(make_clerk())

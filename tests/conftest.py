"""What every test gets: an empty Redis, and nothing remembered of another test's domains."""

import os
from collections.abc import Iterator

import pytest
import redis
from django.db.models import query
from hypothesis import HealthCheck, settings

from sessions_farm.tests.support.scale import pytest_collection_modifyitems, scale  # noqa: F401 -- pytest finds them here
from tests.support import lazy_fetches

# How long an example takes is the machine's affair, and no test's.
settings.register_profile("mall", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mall")


query.DEFAULT_FETCH_MODE = lazy_fetches.REFUSED  # whatever a view, service or template reads, it has asked for before


@pytest.fixture
def redis_client() -> Iterator[redis.Redis]:
    """The run's own Redis, emptied before the test."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
        yield client

"""What every test gets: an empty Redis, and nothing remembered of another test's domains."""

import os
from collections.abc import Iterator

import pytest
import redis

from sessions_farm.tests.support.scale import pytest_collection_modifyitems, scale  # noqa: F401 -- pytest finds them here


@pytest.fixture
def redis_client() -> Iterator[redis.Redis]:
    """The run's own Redis, emptied before the test."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
        yield client

"""What every test gets: an empty Redis, and nothing remembered of another test's domains."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
import time_machine
from django.db.models import query
from django.utils import timezone
from hypothesis import HealthCheck, settings

from mall import cache
from sessions_farm.tests.support.scale import (  # noqa: F401 -- pytest finds them here
    asked,
    at_proof,
    pytest_collection_modifyitems,
    scale,
)
from shipping import rate_limits
from tests.support import lazy_fetches

os.environ.pop("PYTHONUNBUFFERED", None)  # programs speak up at once without it, too

# How long an example takes is the machine's affair, and no test's.
settings.register_profile(
    "mall",
    deadline=None,
    derandomize=asked() == 1,  # make prove makes up other examples each time
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("mall")


for each in (cache, rate_limits):  # a busy machine is not a broken Redis
    each.WAITS = replace(each.WAITS, answer=30, connect=30, place=30)

query.DEFAULT_FETCH_MODE = lazy_fetches.REFUSED  # whatever a view, service or template reads, it has asked for before


@pytest.fixture
def redis_client() -> Iterator[redis.Redis]:
    """The run's own Redis, emptied before the test."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
        yield client


@pytest.fixture
def mid_hour() -> Iterator[None]:
    """Half past by the clock: what happens at most once in an hour of it does not begin anew during the test."""
    with time_machine.travel(timezone.now().replace(minute=30), tick=True):
        yield

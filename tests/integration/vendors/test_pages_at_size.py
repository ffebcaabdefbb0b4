"""Pages of the shop at 140 and 50,000 products, at ten and a thousand shops: what they ask of the database."""

import gc
import logging
import statistics
import time

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sessions_farm.communities.registry import registry
from tests.integration.vendors.test_search import MASTER, demo, found  # noqa: F401 -- a fixture
from tests.support import grown_mall
from tests.support.search_corpus import QUESTIONS
from vendors.models import ProductCard, Vendor

logger = logging.getLogger(__name__)
MOST_STATEMENTS = 12
MOST_SLOWER = 2.0
MOST_SEARCH_MS = 100
FOWLERS = "fowlers.localhost"
PAGES = {
    "directory": (MASTER, "/"),
    "category": (MASTER, "/departments/kitchen/"),
    "category by price": (MASTER, "/departments/kitchen/?sort=cheap"),
    "filtered": (MASTER, "/departments/kitchen/?with=Material:Stoneware&stock=1"),
    "search": (MASTER, "/search/?q=kitchen"),  # a page full of goods at both sizes, as in the other lists
    "mended search": (MASTER, "/search/?q=kichen"),
    "everything": (MASTER, "/search/?sort=new"),
    "store home": (FOWLERS, "/"),
    "store search": (FOWLERS, "/search/?q=knife"),
    "product": (FOWLERS, "/products/rose-inn-stove-kettle/"),
    "suggestions": (MASTER, "/suggest/?q=lan"),
}


def measure(shopper, repeats):
    """Return the statements, the seconds of the fastest answer, and those in SQL, of each page.

    The fastest is what the page costs; the median is of the other programs of the machine, too, and by those alone
    a ratio has come out between 0.9 and 2.4.
    """
    cache.clear()
    taken = {}
    for name, (host, path) in PAGES.items():
        assert shopper.get(path, headers={"host": host}).status_code == 200, path  # makes plans, and fills the cache
        with CaptureQueriesContext(connection) as queries:
            shopper.get(path, headers={"host": host})
        taken[name] = (len(queries), [], sum(float(each["time"]) for each in queries.captured_queries))
    gc.collect()
    gc.freeze()
    for _ in range(repeats):
        for name, (host, path) in PAGES.items():
            began = time.perf_counter()
            shopper.get(path, headers={"host": host})
            taken[name][1].append(time.perf_counter() - began)
    gc.unfreeze()
    return {name: (number, min(times), sql) for name, (number, times, sql) in taken.items()}


@pytest.mark.timeout(1800)
def test_pages_cost_no_more_at_size(demo, shopper, scale):  # noqa: F811 -- the fixture
    """At SCALE=10: 50,000 products in 1,000 shops cost at most twice what the demo's 140 in ten do, in one run."""
    is_large = scale >= 10
    repeats = 25 if is_large else 1
    small = measure(shopper, repeats)
    grown_mall.grow(demo.pk, products=50_000 if is_large else 500, shops=1_000 if is_large else 40)
    registry.refresh()
    assert ProductCard.objects.count() > 20 * (500 if is_large else 20)
    assert Vendor.objects.count() > (900 if is_large else 30)
    large = measure(shopper, repeats)
    wall = {name: (round(1000 * small[name][1], 1), round(1000 * large[name][1], 1)) for name in PAGES}
    slower = {name: round(large[name][1] / small[name][1], 2) for name in PAGES}
    logger.info("statements %s; wall, large to small: %s", {name: large[name][0] for name in PAGES}, slower)
    logger.info("wall ms: %s", wall)
    logger.info("SQL ms: %s", {name: (round(1000 * small[name][2]), round(1000 * large[name][2])) for name in PAGES})
    assert {name: each[0] for name, each in large.items() if each[0] > MOST_STATEMENTS} == {}
    if is_large:
        times = []
        for words in (words for questions in QUESTIONS.values() for words, _ in questions):
            began = time.perf_counter()
            found(demo, words)
            times.append(1000 * (time.perf_counter() - began))
        p95 = sorted(times)[int(len(times) * 0.95) - 1]
        logger.info("search over 50,000: median %.0f ms, p95 %.0f ms", statistics.median(times), p95)
        assert max(slower.values()) <= MOST_SLOWER, slower
        assert p95 <= MOST_SEARCH_MS

"""The desk's pages at a million visits in history, beside a thousand, in one run."""

import logging
import time

import pytest
from django.db import connection
from django.utils import timezone

from support_watch.models import KEPT_FOR, SupportVisit

logger = logging.getLogger(__name__)

FEW, MANY = 1_000, 1_000_000
MOST_SLOWER = 1.5
MOST_STATEMENTS = 12
PATH = "/watch/fowlers/"
PAGES = (PATH, f"{PATH}history/", f"{PATH}history/?q=v77")

KEPT = """
INSERT INTO support_watch_supportvisit
    (vendor_id, visit, subject, page, path, level, arrived_at, published, late, redacting)
SELECT %s, 'v' || number, 's' || number, 'support', '/support/', 1,
    now() - %s * (number - %s)::float8 / %s, true, false, false
FROM generate_series(%s::int, %s::int) AS number
"""


def keep(vendor, first, last, span):
    """Write visits, spread evenly over a time until now."""
    count = last - first + 1
    with connection.cursor() as cursor:
        cursor.execute(KEPT, [vendor.pk, span, first, count, first, last])
        cursor.execute("ANALYZE support_watch_supportvisit")


def p95(client, path, repeats):
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        assert client.get(path).status_code == 200
        took.append(time.perf_counter() - began)
    return sorted(took)[int(repeats * 0.95) - 1]


@pytest.mark.usefixtures("at_proof")
def test_history_of_a_million_visits_is_as_quick(place, signed_in, scale, django_assert_max_num_queries):
    owner = signed_in("owner")
    now = timezone.localtime()
    today = now - now.replace(hour=0, minute=0, second=0)
    keep(place.vendor, 1, FEW, today)  # so that both fill a page
    few = {path: p95(owner, path, 4 * scale) for path in PAGES}
    many = MANY if scale >= 10 else 20 * FEW
    keep(place.vendor, FEW + 1, many, KEPT_FOR)
    assert SupportVisit.objects.count() == many
    for path in PAGES:
        with django_assert_max_num_queries(MOST_STATEMENTS):
            owner.get(path)
    slower = {path: round(p95(owner, path, 4 * scale) / few[path], 2) for path in PAGES}
    logger.info("p95 at %s visits to that at %s: %s", many, FEW, slower)
    assert max(slower.values()) <= MOST_SLOWER, slower

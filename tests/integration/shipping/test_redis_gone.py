"""Redis away from before the first page to the last order: shoppers notice nothing, departments hear at once."""

import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from cart.orders.models import Order
from sessions_farm.tests.support.scale import counted
from shipping.models import Attempt, Dispatch
from shipping.services import set_up_route
from tests.support import counting_department
from tests.support.buyer import Buyer
from tests.support.counting_department import SECRET
from tests.support.nodes import running_nodes
from tests.support.shop import add_goods, make_shop

CHECKOUTS, AT_A_TIME = 200, 4
SOON = timedelta(seconds=6)  # from the order to the first attempt
AWAY = "redis://127.0.0.1:1/0"

pytestmark = [pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]


def test_orders_are_placed_and_sent_without_redis(manage, wait_until, scale):
    if scale == 1:
        pytest.skip("Its nodes cost seconds: make prove.")
    shop = make_shop()
    goods = [add_goods(shop, slug, f"{slug} many", on_hand=100_000) for slug in shop.vendors]
    count = counted(CHECKOUTS, scale)
    environment = {"REDIS_URL": AWAY, "CACHE_URL": AWAY, "BROKER_URL": AWAY}
    with counting_department.running() as department, running_nodes(2, DB_POOL="8", **environment) as nodes:
        for vendor in shop.vendors.values():
            config, secrets = {"url": department.url}, {"secret": SECRET}
            set_up_route(vendor=vendor, transport="http", config=config, secrets=secrets, now=timezone.now())
        dispatchd = manage("dispatchd", **environment)
        try:
            assert "working" in dispatchd.stdout.readline()
            buyers = [Buyer(nodes, number) for number in range(count)]
            with ThreadPoolExecutor(AT_A_TIME) as pool:
                ends = Counter(pool.map(lambda buyer: buyer.checks_out(goods), buyers))
            wait_until(lambda: not Dispatch.objects.exclude(state="acked").exists(), 60)
        finally:
            dispatchd.send_signal(signal.SIGTERM)
            dispatchd.communicate(timeout=30)
    assert dispatchd.returncode == 0
    statuses = sum((buyer.statuses for buyer in buyers), Counter())
    waited = [
        attempt.started_at - attempt.dispatch.created_at
        for attempt in Attempt.objects.filter(number=1).select_related("dispatch")
    ]
    print(f"{dict(ends)}; answers {dict(statuses)}; longest wait {max(waited)}")  # noqa: T201 -- figures
    assert ends == {"paid": count}
    assert max(statuses) < 400, statuses
    assert Order.objects.filter(state="placed").count() == count
    assert len(waited) == count * len(goods)
    assert max(waited) <= SOON

"""A node dies in the middle of somebody's shopping."""

import pytest
from playwright.sync_api import expect

from tests.e2e.shopper import FOWLERS, MASTER, NOBLE_BARNEY, Shopper
from tests.support.waiting import wait_for


@pytest.mark.usefixtures("at_proof")
def test_shopper_goes_on_where_a_node_is_killed(mall_farm, new_page):
    wait_for(mall_farm.both_answer, "both nodes")
    page = new_page()
    shopper = Shopper(page, mall_farm, "killed@example.org")
    shopper.add_from(FOWLERS)

    first = mall_farm.kill("web1")
    shopper.sees_in_cart((FOWLERS,), FOWLERS.host)
    assert shopper.last_node == "web2"
    shopper.add_from(NOBLE_BARNEY)
    shopper.sees_in_cart((FOWLERS, NOBLE_BARNEY), MASTER)
    shopper.goes_to_checkout()

    wait_for(mall_farm.both_answer, "web1 to come back")
    assert mall_farm.pids["web1"] != first
    assert f"web1 is back (process {mall_farm.pids['web1']})" in mall_farm.log
    mall_farm.kill("web2")
    shopper.pays()
    expect(page.locator("[data-consignment]")).to_have_count(2)
    assert page.faults == []
    wait_for(mall_farm.both_answer, "web2 to come back")

"""A purchase over three hosts in Firefox, where one is installed."""

import json

import pytest

from tests.e2e import firefox
from tests.e2e.shopper import ADDRESS, CARD, MASTER, SHOPS
from tests.support.waiting import wait_for

pytestmark = firefox.needed
LABELS = "[...document.querySelectorAll('main label')]"
BUTTONS = "[...document.querySelectorAll('main button')]"


@pytest.fixture
def tab(tmp_path):
    with firefox.running_firefox(tmp_path) as browser:
        yield browser.new_tab()


def fill(tab, words: dict[str, str]) -> None:
    """Fill the fields that have these labels."""
    for label, text in words.items():
        found = f"{LABELS}.find((each) => each.innerText.startsWith({json.dumps(label)}))"
        tab.evaluate(f"({found}).control.value = {json.dumps(text)}")


def heading(tab) -> str:
    return tab.evaluate("document.querySelector('h1').innerText")


def test_shopper_buys_of_three_shops_in_firefox(mall_farm, tab):
    for pieces, shop in enumerate(SHOPS, 1):
        tab.type_address(mall_farm.url(shop.host, f"/search/?q={shop.goods.split()[0]}"))
        tab.follow(shop.goods)
        tab.evaluate("document.querySelector('form[action=\"/cart/add/\"] button[type=submit]').click()")
        counted = f"document.querySelector('#cart-count')?.dataset.count === '{pieces}'"
        wait_for(lambda counted=counted: tab.holds(counted), "the goods in the cart", 30)
    tab.type_address(mall_farm.url(MASTER, "/cart/"))
    tab.follow("Check out", role="button")
    fill(tab, {"E-mail": "nora-firefox@example.org"} | ADDRESS)
    tab.follow("Choose the delivery", role="button")
    tab.follow("Check the order", role="button")
    assert heading(tab) == "Check and pay"
    total = tab.evaluate(f"{BUTTONS}.find((each) => each.innerText.startsWith('Pay')).innerText")
    tab.follow(total, role="button")
    fill(tab, CARD)
    tab.follow(total, role="button")
    assert heading(tab) == "Thank you, Nora Lynch"
    assert tab.evaluate("document.querySelectorAll('[data-consignment]').length") == len(SHOPS)
    assert tab.faults == []

"""A store's front has words of its own, and a body in the manner of its head."""

import re
from pathlib import Path

from django.conf import settings

from sessions_farm.communities.registry import registry
from tests.support.html import flat
from tests.support.shop import add_goods
from vendors.models import Category, Vendor

AMBER = "amber.localhost"
OWN = {
    "newest_heading": "Off the last boat",
    "departments_heading": "By the wardrobe",
    "goods_heading": "By the door <now>",
    "foot_words": "Folded by hand.",
}


def furnish(shop):
    add_goods(shop, "amber", "Lamp")
    other = add_goods(shop, "amber", "Rake")
    tools = Category.objects.create(marketplace=shop.marketplace, slug="tools", name="Tools")
    other.product.category = tools
    other.product.save()
    add_goods(shop, "amber", "Spade")


def test_front_says_the_malls_words_until_the_shop_has_its_own(shop, shopper):
    furnish(shop)
    page = flat(shopper.on(AMBER))
    for words in ("New in the shop", "Shelf by shelf", "On the counter", "We pack it ourselves."):
        assert f">{words}<" in page
    assert ">Neu im Laden<" in flat(shopper.on(AMBER, language="de"))

    Vendor.objects.filter(slug="amber").update(**OWN)
    registry.forget()
    for language in ("en-ie", "de"):
        page = flat(shopper.on(AMBER, language=language))
        for words in ("Off the last boat", "By the wardrobe", "By the door &lt;now&gt;", "Folded by hand."):
            assert f">{words}<" in page, "as the shop wrote it, in each language"


def test_each_front_has_a_body_of_its_own():
    css = (Path(settings.BASE_DIR) / "mall/page_css/pages.css").read_text()
    for front in Vendor.Front.values:
        rules = re.findall(rf'\[data-front="{front}"\][^{{]*(goods|shelves|promises|lead)', css)
        assert {"goods", "lead", "promises"} <= set(rules), front

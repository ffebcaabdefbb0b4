"""A store's stylesheet: its own address, kept for ever, and an old address leads to the new one."""

import html
import re

from sessions_farm.communities.registry import registry
from tests.support.html import flat
from vendors.storefronts import storefronts
from vendors.stylesheets import stylesheet_url

MASTER = "mall.localhost"


def test_store_page_names_its_sheet(shop, shopper):
    page = shopper.on("amber.localhost")
    sheet = shopper.on("amber.localhost", stylesheet_url(storefronts.by_slug("amber")))

    assert f'href="{stylesheet_url(storefronts.by_slug("amber"))}"' in flat(page)
    assert sheet["Cache-Control"] == "public, max-age=31536000, immutable"
    assert sheet["Content-Type"] == "text/css; charset=utf-8"
    assert re.fullmatch(
        r'@layer tokens{\n\[data-store="amber"\]{(--[a-z-]+:light-dark\(#\w{6},#\w{6}\);)+}\n}\n', sheet.text
    )


def test_old_address_leads_to_the_new_sheet(shop, shopper):
    old = stylesheet_url(storefronts.by_slug("amber"))
    amber = shop.vendors["amber"]
    amber.accent = "#aa2200"
    amber.save()
    registry.refresh()

    response = shopper.on("amber.localhost", old)

    assert response.status_code == 302
    assert response["Location"] == stylesheet_url(storefronts.by_slug("amber")) != old


def test_directory_has_the_colours_of_all(shop, shopper):
    page = shopper.on(MASTER)
    sheet = shopper.on(MASTER, html.unescape(re.search(r'href="(/theme/stores-[^"]+)"', flat(page))[1]))

    assert re.findall(r'data-store="(\w+)"', sheet.text) == ["amber", "basalt", "thistle"]
    assert re.findall(r'class="front" data-store="(\w+)"', flat(page)) == ["amber", "thistle", "basalt"]


def test_no_page_has_inline_style_or_script(shop, shopper):
    for host, path in [(MASTER, "/"), ("amber.localhost", "/"), (MASTER, "/search/"), ("amber.localhost", "/nothing/")]:
        text = flat(shopper.on(host, path))

        assert " style=" not in text
        assert re.findall(r"<script(?![^>]* src=)[^>]*>", text) == []
        assert re.findall(r"\son[a-z]+=", text) == []

"""What a list page asks for before anybody scrolls, in a window of 1280 by 800: little, and nothing of other hosts."""

import pytest

from tests.e2e.test_storefront_pages import FOWLERS, MASTER
from tests.support.waiting import wait_for

MOST_REQUESTS = 25
HEIGHT = 800
LISTS = [
    (MASTER, "/"),
    (MASTER, "/departments/kitchen/"),
    (MASTER, "/search/?sort=new"),  # a full page of it
    (FOWLERS, "/"),
    (FOWLERS, "/search/?sort=new"),
    (FOWLERS, "/departments/kitchen/"),
    (MASTER, "/search/?q=lamp"),
    (MASTER, "/stores/kilnrow/"),
    (MASTER, "/stores/kilnrow/search/"),
    ("secondtide.localhost", "/"),
]
MOST_DIFFERENT = 4  # of them
PICTURES = """() => [...document.querySelectorAll("main img")].filter((each) => each.currentSrc).map((each) => ({
  url: each.currentSrc,
  isLazy: each.loading === "lazy",
  isDecodedAside: each.decoding === "async",
  isSized: each.hasAttribute("width") && each.hasAttribute("height"),
  isShown: each.complete && each.naturalWidth > 0,
  top: Math.round(each.getBoundingClientRect().top),
}))"""

ALL_SHOWN = "[...document.images].every((each) => each.complete && each.naturalWidth > 0)"


@pytest.fixture
def first_look(mall_farm, new_page):
    """Open a page with nothing in the cache, by a browser that the mall knows; return the requests until it rests."""

    def first_look(host, path):
        page = new_page(viewport={"width": 1280, "height": HEIGHT})
        page.goto(mall_farm.url(host, "/about/"))  # the hand-off is over
        page.context.new_cdp_session(page).send("Network.clearBrowserCache")
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(mall_farm.url(host, path), wait_until="networkidle")
        assert page.faults == []
        return page, asked

    return first_look


def test_list_pages_are_few_requests_of_their_own_host(mall_farm, first_look, scale):
    """Four kinds of lists; ``make prove`` has all."""
    for host, path in LISTS[: MOST_DIFFERENT * scale]:
        page, asked = first_look(host, path)
        assert len(asked) <= MOST_REQUESTS, "\n".join([f"{host}{path}: {len(asked)}", *asked])
        assert [url for url in asked if not url.startswith(mall_farm.url(host, "/"))] == []
        pictures = page.evaluate(PICTURES)
        first_row = min(each["top"] for each in pictures)
        in_sight = {each["url"] for each in pictures if each["top"] < HEIGHT}
        assert all(each["isSized"] and each["isDecodedAside"] for each in pictures)
        assert [each["url"] for each in pictures if each["top"] == first_row and each["isLazy"]] == []
        assert [each["url"] for each in pictures if not each["isLazy"] and each["url"] not in in_sight] == []
        assert [each["url"] for each in pictures if each["isShown"] and not each["url"].endswith(".avif")] == []


def test_pictures_below_the_fold_come_when_they_are_scrolled_to(first_look):
    page, asked = first_look(*LISTS[2])
    before = len(asked)

    def shown_on_the_way_down() -> bool:
        page.keyboard.press("PageDown")
        return page.evaluate(ALL_SHOWN)

    wait_for(shown_on_the_way_down, "all pictures")
    assert len(asked) > before

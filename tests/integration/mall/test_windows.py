"""A shop's window on the directory is one picture of its newest goods, at an address that changes with them."""

from io import BytesIO

import pytest
from django.test import Client
from PIL import Image

from tests.support.html import flat
from tests.support.shop import MASTER, add_goods, make_shop
from vendors.images import encode_renditions, save_renditions
from vendors.models import ProductImage

COLOURS = {"Jug": (160, 40, 40), "Cup": (40, 140, 60), "Dish": (40, 60, 160)}


def put_picture(product, colour):
    target = BytesIO()
    Image.new("RGB", (300, 300), colour).save(target, "PNG")
    image = ProductImage(product=product, alt=product.name)
    save_renditions(image, encode_renditions(target, target.tell()))
    image.save()


@pytest.fixture
def street(db, redis_client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    shop = make_shop()
    for name, colour in COLOURS.items():
        put_picture(add_goods(shop, "amber", name).product, colour)
    return shop


def ask(path):
    return Client().get(path, headers={"host": MASTER})


def windows_on(page):
    """The addresses of the windows that a page shows, by format."""
    words = flat(page).split('"')
    found = {word for word in words if word.startswith("/windows/")}
    return {path.rpartition(".")[2]: path for path in sorted(found) if "/amber/" in path}


def test_the_newest_goods_stand_side_by_side(street):
    page = ask("/")
    windows = windows_on(page)
    assert list(windows) == ["avif", "webp"]
    assert flat(page).count(windows["webp"]) == 3  # one picture, of which each pane shows its part
    for kind, path in windows.items():
        response = ask(path)
        assert response["Content-Type"] == f"image/{kind}"
        assert "immutable" in response["Cache-Control"]
        with Image.open(BytesIO(response.content)) as picture:
            shown = [picture.convert("RGB").getpixel((x, 150)) for x in (150, 450, 750)]
        for seen, put in zip(shown, reversed(COLOURS.values()), strict=True):
            assert all(abs(a - b) < 12 for a, b in zip(seen, put, strict=True))


def test_an_address_of_before_leads_to_the_window_of_now(street):
    before = windows_on(ask("/"))["webp"]
    put_picture(add_goods(street, "amber", "Bowl").product, (200, 200, 40))
    now = windows_on(ask("/"))["webp"]
    assert now != before
    response = ask(before)
    assert (response.status_code, response["Location"]) == (302, now)


@pytest.mark.parametrize("path", ["/windows/amber/0.gif", "/windows/nobody/0.webp"])
def test_what_no_window_has_is_not_found(street, path):
    assert ask(path).status_code == 404


def test_a_window_without_its_files_is_not_found(street, tmp_path):
    path = windows_on(ask("/"))["webp"]
    for file in tmp_path.rglob("dish*-300.webp"):
        file.unlink()
    assert ask(path).status_code == 404

"""Pictures come from the node itself, and nothing else does."""

import pytest
from django.test import Client

from tests.support.shop import MASTER, make_shop


@pytest.fixture
def pictures(db, settings, tmp_path):
    make_shop()
    settings.MEDIA_ROOT = tmp_path / "media"
    (tmp_path / "media/products").mkdir(parents=True)
    (tmp_path / "media/products/jug.webp").write_bytes(b"RIFF....WEBP")
    (tmp_path / "media/products/jug.svg").write_text("<svg onload='x()'/>")
    (tmp_path / "secret.webp").write_bytes(b"not yours")
    return tmp_path


def ask(path):
    return Client().get(path, headers={"host": MASTER})


def test_picture_is_served_for_ever(pictures):
    response = ask("/media/products/jug.webp")

    assert response.content == b"RIFF....WEBP"
    assert response["Content-Type"] == "image/webp"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "products/jug.svg",
        "products/none.webp",
        "products/",
        "../secret.webp",
        "%2e%2e/secret.webp",
        "products/../../secret.webp",
        "/etc/hostname",
        "products/jug.webp%00",
    ],
)
def test_nothing_else_is_served(pictures, path):
    assert ask(f"/media/{path}").status_code in {400, 404}

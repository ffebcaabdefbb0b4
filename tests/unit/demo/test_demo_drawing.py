"""The drawn pictures: the same each time, of the sizes that pages ask for, none of them empty."""

import hashlib
import io
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import pytest
from PIL import Image

from deploy.demo import pictures
from deploy.demo.drawing import studio

PICTURES = list(pictures.pictures())
KETTLE = next(picture.scene for picture in PICTURES if picture.scene.kind == "kettle")


def digest(scene):
    return hashlib.sha256(studio.draw(scene)[1200]).hexdigest()


def test_a_picture_is_the_same_in_another_process():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = pool.submit(studio.draw, KETTLE).result()
    assert hashlib.sha256(elsewhere[1200]).hexdigest() == digest(KETTLE)


def test_colour_and_name_change_the_picture():
    assert digest(replace(KETTLE, colour="#2f6f8a")) != digest(KETTLE)
    assert digest(replace(KETTLE, name="another")) != digest(KETTLE)


def test_a_picture_comes_in_the_sizes_of_the_pages():
    files = studio.draw(KETTLE)
    assert set(files) == {1200, 600, 300}
    for width, content in files.items():
        with Image.open(io.BytesIO(content)) as image:
            assert (image.format, image.size) == ("WEBP", (width, width))
    assert sum(map(len, files.values())) < 120_000


@pytest.mark.parametrize("picture", [p for p in PICTURES if p.position == 0], ids=lambda p: p.stem.partition("/")[2])
def test_each_thing_can_be_seen(picture):
    alpha = studio.alone(picture.scene, studio.Frame(), 120).getchannel("A")
    assert sum(alpha.histogram()[128:]) > 120 * 120 * 0.008

"""The demo's pictures lie ready as AVIF, for their encoding would keep its first start waiting."""

import pytest
from PIL import Image, ImageChops, ImageStat

from deploy.demo.pictures import FOLDER, pictures
from vendors.models.catalogue import WIDTHS

FURTHEST = 6  # of 255: what the two formats lose differs by less
SAMPLE = 19  # one picture of so many


def test_each_picture_lies_ready_in_each_width():
    ready = {picture.ready(width) for picture in pictures() for width in WIDTHS}
    assert set((FOLDER / "avif").iterdir()) == ready


@pytest.mark.parametrize("width", WIDTHS)
def test_what_lies_ready_is_the_picture(width, scale):
    for picture in sorted(pictures(), key=lambda each: each.file)[:: max(SAMPLE // scale, 1)]:
        with Image.open(picture.ready(width)) as shown:
            difference = ImageChops.difference(shown.convert("RGB"), picture.square().resize((width, width)))
        assert max(ImageStat.Stat(difference).mean) < FURTHEST, picture.file.name

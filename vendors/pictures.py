"""Pictures that vendors upload: decoded, cut square and written anew, so no byte of the upload is ever served."""

from __future__ import annotations

import secrets
import warnings
from io import BytesIO
from typing import IO

from django.core.files.base import ContentFile
from django.utils.text import slugify
from PIL import Image, ImageOps, UnidentifiedImageError

from vendors.models.catalogue import RENDITIONS, ProductImage

WIDTH = 1200
MOST_BYTES = 12 * 1024 * 1024
MOST_PIXELS = 50_000_000
METHOD = 2  # of 0 to 6: half the time of 4 for files that are 6 % larger
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


class NotAPicture(Exception):
    """What was uploaded cannot be shown; the message is for the person who did."""


def encode(upload: IO[bytes], size: int) -> dict[int, bytes]:
    """WebP files by width: 1200 and the renditions. Raise NotAPicture."""
    if size > MOST_BYTES:
        raise NotAPicture(f"This file has {size / 1e6:.0f} MB; a picture may have {MOST_BYTES / 1e6:.0f}.")
    try:
        with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
            picture = Image.open(upload, formats=FORMATS)
            if picture.width * picture.height > MOST_PIXELS:
                raise NotAPicture(f"This picture has {picture.width} × {picture.height} pixels; make it smaller.")
            square = ImageOps.fit(upright(picture), (WIDTH, WIDTH), Image.Resampling.LANCZOS)
    except (UnidentifiedImageError, Image.DecompressionBombWarning, OSError, SyntaxError, ValueError) as error:
        raise NotAPicture("This file is no JPEG, PNG, WebP or GIF picture that can be read.") from error
    return {width: webp(square, width) for width in (WIDTH, *RENDITIONS)}


def upright(picture: Image.Image) -> Image.Image:
    """As the camera was held, on white where it was transparent, without its notes."""
    turned = ImageOps.exif_transpose(picture)
    if not turned.has_transparency_data:
        return turned.convert("RGB")
    paper = Image.new("RGBA", turned.size, "white")
    return Image.alpha_composite(paper, turned.convert("RGBA")).convert("RGB")


def webp(square: Image.Image, width: int) -> bytes:
    """Return the square picture as a WebP file of a width that divides 1200."""
    target = BytesIO()
    square.reduce(WIDTH // width).save(target, "WEBP", quality=82, method=METHOD)
    return target.getvalue()


def put(image: ProductImage, files: dict[int, bytes]) -> None:
    """Write the files and name the image after its product; the row is saved by the caller."""
    stem = f"{slugify(image.product.slug)}-{secrets.token_hex(4)}"
    image.file.save(f"{stem}.webp", ContentFile(files[WIDTH]), save=False)
    image.width = image.height = WIDTH  # Django's own reading in pieces finds no size in a WebP
    folder = str(image.file.name).rpartition("/")[0]
    for width in RENDITIONS:
        image.file.storage.save(f"{folder}/{stem}-{width}.webp", ContentFile(files[width]))

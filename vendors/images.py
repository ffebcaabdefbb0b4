"""Uploaded product images: decoded, cropped square and re-encoded, so no uploaded byte is ever served."""

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
MAX_BYTES = 12 * 1024 * 1024
MAX_PIXELS = 50_000_000
METHOD = 2  # of WebP, 0 to 6: half the time of 4 for files that are 6 % larger
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MEDIA_TYPES = tuple(f"image/{name.lower()}" for name in FORMATS)


class InvalidImageError(Exception):
    """Report an upload that cannot be shown; the message is for the uploading person."""


def encode_renditions(upload: IO[bytes], size: int) -> dict[int, bytes]:
    """Encode an upload as WebP files by width: 1200 and the renditions. Raise InvalidImageError."""
    if size > MAX_BYTES:
        raise InvalidImageError(f"This file has {size / 1e6:.0f} MB; a picture may have {MAX_BYTES / 1e6:.0f}.")
    try:
        with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
            picture = Image.open(upload, formats=FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                raise InvalidImageError(f"This picture has {picture.width} × {picture.height} pixels; make it smaller.")
            square = ImageOps.fit(flatten_upright(picture), (WIDTH, WIDTH), Image.Resampling.LANCZOS)
    except (UnidentifiedImageError, Image.DecompressionBombWarning, OSError, SyntaxError, ValueError) as error:
        raise InvalidImageError("This file is no JPEG, PNG, WebP or GIF picture that can be read.") from error
    return {width: encode_webp(square, width) for width in (WIDTH, *RENDITIONS)}


def flatten_upright(picture: Image.Image) -> Image.Image:
    """Rotate as the EXIF orientation says, flatten on white, and drop the metadata."""
    turned = ImageOps.exif_transpose(picture)
    if not turned.has_transparency_data:
        return turned.convert("RGB")
    paper = Image.new("RGBA", turned.size, "white")
    return Image.alpha_composite(paper, turned.convert("RGBA")).convert("RGB")


def encode_webp(square: Image.Image, width: int) -> bytes:
    """Encode a square picture at a width that divides 1200."""
    target = BytesIO()
    square.reduce(WIDTH // width).save(target, "WEBP", quality=82, method=METHOD)
    return target.getvalue()


def save_renditions(image: ProductImage, files: dict[int, bytes]) -> None:
    """Write the files, named after the product; the caller saves the row."""
    stem = f"{slugify(image.product.slug)}-{secrets.token_hex(4)}"
    image.file.save(f"{stem}.webp", ContentFile(files[WIDTH]), save=False)
    image.width = image.height = WIDTH  # Django reads in chunks and finds no size in a WebP
    folder = str(image.file.name).rpartition("/")[0]
    for width in RENDITIONS:
        image.file.storage.save(f"{folder}/{stem}-{width}.webp", ContentFile(files[width]))

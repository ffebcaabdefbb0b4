"""Uploaded product images: decoded, cropped square and re-encoded, so no uploaded byte is ever served."""

from __future__ import annotations

import secrets
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from django.core.files.base import ContentFile
from django.utils.text import slugify
from PIL import Image, ImageOps, UnidentifiedImageError, features

from vendors.models.catalogue import WIDEST, WIDTHS, ProductImage, size_suffix

MAX_BYTES = 12 * 1024 * 1024
MAX_PIXELS = 50_000_000
METHOD = 2  # of WebP, 0 to 6: half the time of 4 for files that are 6 % larger
HAS_AVIF = features.check("avif")  # Pillow's own wheels have; a system check says where it is missing
SPEED = 8  # of AVIF, 0 to 10: a photograph's three widths take a quarter of a second, and a whole one at 7
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MEDIA_TYPES = tuple(f"image/{name.lower()}" for name in FORMATS)


@dataclass(frozen=True, slots=True)
class Renditions:
    """The files of a picture by width in pixels; ``avif`` is empty where this Pillow cannot write it."""

    webp: dict[int, bytes]
    avif: dict[int, bytes]


class InvalidImageError(Exception):
    """Report an upload that cannot be shown; the message is for the uploading person."""


def encode_renditions(upload: IO[bytes], size: int) -> Renditions:
    """Encode an upload by width: 1200 and the smaller ones, in each format. Raise InvalidImageError."""
    if size > MAX_BYTES:
        raise InvalidImageError(f"This file has {size / 1e6:.0f} MB; a picture may have {MAX_BYTES / 1e6:.0f}.")
    try:
        with warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning):
            picture = Image.open(upload, formats=FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                raise InvalidImageError(f"This picture has {picture.width} × {picture.height} pixels; make it smaller.")
            square = ImageOps.fit(flatten_upright(picture), (WIDEST, WIDEST), Image.Resampling.LANCZOS)
    except (UnidentifiedImageError, Image.DecompressionBombWarning, OSError, SyntaxError, ValueError) as error:
        raise InvalidImageError("This file is no JPEG, PNG, WebP or GIF picture that can be read.") from error
    webp = {width: encode_webp(square, width) for width in WIDTHS}
    return Renditions(webp, {width: encode_avif(square, width) for width in WIDTHS} if HAS_AVIF else {})


def flatten_upright(picture: Image.Image) -> Image.Image:
    """Rotate as the EXIF orientation says, flatten on white, and drop the metadata."""
    turned = ImageOps.exif_transpose(picture)
    if not turned.has_transparency_data:
        return turned.convert("RGB")
    paper = Image.new("RGBA", turned.size, "white")
    return Image.alpha_composite(paper, turned.convert("RGBA")).convert("RGB")


def encode_webp(square: Image.Image, width: int) -> bytes:
    """Encode a square picture at a width that divides 1200."""
    return to_webp(square.reduce(WIDEST // width))


def to_webp(picture: Image.Image) -> bytes:
    """Encode a picture as it is."""
    target = BytesIO()
    picture.save(target, "WEBP", quality=82, method=METHOD)
    return target.getvalue()


def encode_avif(square: Image.Image, width: int, speed: int = SPEED) -> bytes:
    """Encode a square picture at a width that divides 1200."""
    return to_avif(square.reduce(WIDEST // width), speed)


def to_avif(picture: Image.Image, speed: int = SPEED) -> bytes:
    """Encode a picture as it is: as WebP to the eye, and a quarter smaller."""
    target = BytesIO()
    picture.save(target, "AVIF", quality=55, speed=speed)
    return target.getvalue()


def save_renditions(image: ProductImage, files: Renditions) -> None:
    """Write the files, named after the product; the caller saves the row."""
    name = f"products/{slugify(image.product.slug)}-{secrets.token_hex(4)}"
    storage = image.file.storage
    for width in WIDTHS:
        storage.save(f"{name}{size_suffix(width)}.webp", ContentFile(files.webp[width]))
        if files.avif:
            storage.save(f"{name}{size_suffix(width)}.avif", ContentFile(files.avif[width]))
    image.file = f"{name}.avif" if files.avif else f"{name}.webp"
    image.width = image.height = WIDEST  # Django reads in chunks and finds no size in either

"""The demo's product pictures: files in this folder, each as a vendor's upload is kept in its widest rendition.

AVIF costs much time, so its files lie ready in ``avif/``, by ``manage.py encode_demo_pictures``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from deploy.demo import catalogue
from deploy.demo.catalogue import MallEntry, ProductEntry, VendorEntry
from deploy.demo.places import Places
from vendors.images import Renditions, encode_webp, save_renditions
from vendors.models import Product, ProductImage
from vendors.models.catalogue import WIDEST, WIDTHS

FOLDER = Path(__file__).parent
PER_LINE = 40  # pictures between two lines of progress


@dataclass(frozen=True, slots=True)
class Picture:
    """A second picture, at position 1, lies beside the first one: kettle.webp, kettle-2.webp.

    A second-hand product may show the picture of the new one.
    """

    vendor: VendorEntry
    product: ProductEntry
    position: int = 0

    @property
    def file(self) -> Path:
        ending = "" if self.position == 0 else f"-{self.position + 1}"
        return FOLDER / f"{self.product.picture or f'{self.vendor.slug}-{self.product.slug}'}{ending}.webp"

    @property
    def alt(self) -> str:
        return self.product.alt if self.position == 0 else f"{self.product.alt}, from nearer"

    def square(self) -> Image.Image:
        with Image.open(self.file) as picture:
            return picture.convert("RGB")

    def ready(self, width: int) -> Path:
        """Return the path of the AVIF file of a width."""
        return FOLDER / "avif" / f"{self.file.stem}-{width}.avif"

    def renditions(self) -> Renditions:
        """Return the files that pages show; the picture here is one of them. Without all of its AVIF it has none."""
        square, ready = self.square(), {width: self.ready(width) for width in WIDTHS}
        webp = {width: encode_webp(square, width) for width in WIDTHS if width != WIDEST}
        is_ready = all(path.exists() for path in ready.values())
        avif = {width: path.read_bytes() for width, path in ready.items()} if is_ready else {}
        return Renditions(webp | {WIDEST: self.file.read_bytes()}, avif)


def pictures(mall: MallEntry | None = None) -> Iterator[Picture]:
    """Yield one or two pictures of each product of a mall, or of all, in the catalogue's order."""
    for vendor, product in catalogue.goods(mall):
        yield Picture(vendor, product)
        if (nearer := Picture(vendor, product, position=1)).file.exists():
            yield nearer


def load_pictures(places: Places, wanted: Sequence[Picture], say: Callable[[str], None]) -> int:
    """Store the pictures that are missing, files and rows; return their number. Pictures that staff chose stay."""
    products = {
        (product.vendor.slug, product.slug): product
        for product in Product.objects.filter(vendor__in=places.vendors.values()).select_related("vendor")
    }
    images = {(image.product_id, image.position): image for image in ProductImage.objects.all()}
    missing = []
    for picture in wanted:
        product = products[picture.vendor.slug, picture.product.slug]
        image = images.get((product.pk, picture.position))
        if image is None or not image.file.storage.exists(str(image.file.name)):
            missing.append((picture, image or ProductImage(position=picture.position, alt=picture.alt), product))
    # Threads are enough to keep all processors busy: Pillow lets go of the interpreter while it encodes.
    with ThreadPoolExecutor(os.process_cpu_count()) as pool:
        encoded = pool.map(Picture.renditions, [picture for picture, _, _ in missing])
        for count, ((_, image, product), files) in enumerate(zip(missing, encoded, strict=True), start=1):
            image.product = product
            save_renditions(image, files)
            image.save()
            if count % PER_LINE == 0:
                say(f"{count} of {len(missing)} pictures stored")
    say(f"{len(missing)} new pictures, {len(wanted)} on the shelves")
    return len(missing)

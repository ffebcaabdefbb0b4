"""The demo's product pictures as rows and files; those that are missing are drawn, on all processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from deploy.demo import catalogue
from deploy.demo.catalogue import ProductEntry, VendorEntry
from deploy.demo.drawing.studio import SIZE, WIDTHS, Scene, draw
from deploy.demo.places import Places
from vendors.models import Product, ProductImage

MOST_HANDS = 8  # a process costs a second to start
EVERY = 40  # pictures between two lines of progress
EVERY_NTH_TWICE = 3  # of each vendor's products, seen from nearer in a second picture


@dataclass(frozen=True, slots=True)
class Picture:
    vendor: VendorEntry
    product: ProductEntry
    position: int

    @property
    def stem(self) -> str:
        ending = "" if self.position == 0 else f"-{self.position + 1}"
        return f"products/{self.vendor.slug}-{self.product.slug}{ending}"

    @property
    def scene(self) -> Scene:
        entry = self.product.picture
        return Scene(
            name=self.stem,
            kind=entry.kind,
            form=entry.form,
            motif=entry.motif,
            colour=entry.colour,
            second=entry.second or self.vendor.accent,
            paper=self.vendor.paper,
            accent=self.vendor.accent,
            near=self.position > 0,
        )

    @property
    def alt(self) -> str:
        return self.product.picture.alt if self.position == 0 else f"{self.product.picture.alt}, from nearer"


def pictures() -> Iterator[Picture]:
    for vendor in catalogue.vendors():
        for place, product in enumerate(vendor.products):
            yield Picture(vendor, product, 0)
            if place % EVERY_NTH_TWICE == 0:
                yield Picture(vendor, product, 1)


def file_name(stem: str, width: int) -> str:
    return f"{stem}.webp" if width == SIZE else f"{stem}-{width}.webp"


def load_pictures(places: Places, wanted: Sequence[Picture], say: Callable[[str], None]) -> int:
    """Draw the files that are missing and make the rows that are missing; returns how many were drawn."""
    missing = [picture for picture in wanted if not _is_stored(picture)]
    if missing:
        _draw_all(missing, say)
    _make_rows(wanted, places)
    say(f"{len(missing)} pictures drawn, {len(wanted)} on the shelves")
    return len(missing)


def _is_stored(picture: Picture) -> bool:
    return all(default_storage.exists(file_name(picture.stem, width)) for width in WIDTHS)


def _draw_all(missing: Sequence[Picture], say: Callable[[str], None]) -> None:
    """In fresh processes: a fork would share this one's database connections."""
    hands = min(os.process_cpu_count() or 1, MOST_HANDS)
    with ProcessPoolExecutor(hands, mp_context=get_context("spawn")) as pool:
        drawn = pool.map(draw, [picture.scene for picture in missing], chunksize=4)
        for count, (picture, files) in enumerate(zip(missing, drawn, strict=True), start=1):
            for width, content in files.items():
                _store(file_name(picture.stem, width), content)
            if count % EVERY == 0:
                say(f"drawing: {count} of {len(missing)} pictures")


def _store(name: str, content: bytes) -> None:
    """Under exactly that name: a rest of an earlier, broken run is replaced."""
    default_storage.delete(name)
    default_storage.save(name, ContentFile(content))


def _make_rows(wanted: Sequence[Picture], places: Places) -> None:
    known = set(ProductImage.objects.values_list("file", flat=True))
    products = {
        (vendor, slug): pk
        for vendor, slug, pk in Product.objects.filter(vendor__in=places.vendors.values()).values_list(
            "vendor__slug", "slug", "pk"
        )
    }
    ProductImage.objects.bulk_create(
        ProductImage(
            product_id=products[picture.vendor.slug, picture.product.slug],
            file=file_name(picture.stem, SIZE),
            alt=picture.alt,
            width=SIZE,
            height=SIZE,
            position=picture.position,
        )
        for picture in wanted
        if file_name(picture.stem, SIZE) not in known
    )

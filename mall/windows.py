"""A shop's window on the directory: its newest goods side by side in one picture, so that a street asks for few."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.core.files.storage import default_storage
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe
from PIL import Image

from sessions_farm.web.decorators import session_off
from vendors import images
from vendors.cards import windows_of
from vendors.http import MallRequest
from vendors.middleware import get_open_storefront
from vendors.models import ProductCard
from vendors.models.catalogue import WIDTHS, size_suffix
from vendors.storefronts import CachedStorefront
from vendors.stylesheets import content_digest
from vendors.theme_views import IMMUTABLE

PANES = 3
SIDE = WIDTHS[0]


@dataclass(frozen=True, slots=True)
class ShopWindow:
    """The window of one store, with the cards that stand in it."""

    store: CachedStorefront
    cards: list[ProductCard]

    @property
    def stems(self) -> tuple[str, ...]:
        """Return the pictures' names in the storage, without size and format."""
        return tuple(card.picture_file.rpartition(".")[0] for card in self.cards)

    @property
    def webp(self) -> str:
        """Return the path of the picture as WebP."""
        return self.address("webp")

    @property
    def avif(self) -> str:
        """Return the path of the picture as AVIF; '' where this Pillow cannot write it."""
        return self.address("avif") if images.HAS_AVIF else ""

    def address(self, kind: str) -> str:
        """Return the path of the picture in a format; it changes with what stands in the window."""
        digest = content_digest("\n".join(self.stems))
        return reverse("mall:window", kwargs={"slug": self.store.slug, "digest": digest, "kind": kind})


def open_windows(stores: list[CachedStorefront]) -> list[ShopWindow]:
    """Return the windows of some stores, in their order."""
    found = windows_of([store.vendor_id for store in stores], PANES)
    return [ShopWindow(store, found.get(store.vendor_id, [])) for store in stores]


@session_off
@require_safe
def picture(request: MallRequest, slug: str, digest: str, kind: str) -> HttpResponse:
    """Return the picture of a window, immutable for caches; redirect from what was in the window before."""
    (window,) = open_windows([get_open_storefront(slug, request.mall.member.community_id)])
    encode = ENCODERS.get(kind)
    if encode is None:
        raise Http404(f"There is no {kind} of a window.")
    if request.path != (current := window.address(kind)):
        return HttpResponseRedirect(current)
    try:
        content = encode(window.stems)
    except OSError as error:
        raise Http404("A picture of this window has no file.") from error
    return HttpResponse(content, content_type=f"image/{kind}", headers={"Cache-Control": IMMUTABLE})


def side_by_side(stems: tuple[str, ...]) -> Image.Image:
    """Return the smallest files of some pictures as one picture that has room for three; raise OSError without one."""
    strip = Image.new("RGB", (PANES * SIDE, SIDE), "white")
    for place, stem in enumerate(stems):
        with default_storage.open(f"{stem}{size_suffix(SIDE)}.webp") as file, Image.open(file) as shown:
            strip.paste(shown.convert("RGB"), (place * SIDE, 0))
    return strip


@lru_cache(maxsize=256)
def webp_of(stems: tuple[str, ...]) -> bytes:
    """Return some pictures side by side as WebP."""
    return images.to_webp(side_by_side(stems))


@lru_cache(maxsize=256)
def avif_of(stems: tuple[str, ...]) -> bytes:
    """Return some pictures side by side as AVIF."""
    return images.to_avif(side_by_side(stems))


ENCODERS = {"webp": webp_of} | ({"avif": avif_of} if images.HAS_AVIF else {})

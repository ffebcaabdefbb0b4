"""A store's colours as a stylesheet: the strict CSP allows no style in a page.

The URL contains a digest of the text, so caches may keep it for ever; an old URL redirects to the new one.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from django.urls import reverse

from vendors import palette
from vendors.storefronts import CachedStorefront

DIGEST_LENGTH = 10
COLOUR = re.compile("#[0-9a-f]{6}")


@lru_cache(maxsize=2048)
def css_tokens(accent: str, paper: str, ink: str) -> str:
    """Return the custom properties of a store's three colours."""
    pairs = palette.light_dark_pairs(accent, paper, ink).items()
    return "".join(f"--{name.replace('_', '-')}:light-dark({light},{dark});" for name, (light, dark) in pairs)


def css_rule(store: CachedStorefront) -> str:
    """Return the custom properties of one store, for every element with its slug in ``data-store``."""
    return f'[data-store="{store.slug}"]{{{css_tokens(store.accent, store.paper, store.ink)}}}\n'


def is_colour(text: str) -> bool:
    """Return whether a text is a colour as the columns have it, #rrggbb."""
    return COLOUR.fullmatch(text) is not None


def look_stylesheet(accent: str, paper: str, ink: str) -> str:
    """Return the stylesheet that gives three colours to every element with ``data-look``."""
    return f"[data-look]{{{css_tokens(accent, paper, ink)}}}\n"


def look_url(accent: str, paper: str, ink: str) -> str:
    """Return the path of that stylesheet."""
    return reverse("theme:look", query={"accent": accent, "paper": paper, "ink": ink})


def stylesheet(stores: Sequence[CachedStorefront]) -> str:
    """Return the stylesheet with the colours of some stores."""
    return "@layer tokens{\n" + "".join(map(css_rule, stores)) + "}\n"


def content_digest(text: str) -> str:
    """Return the digest of a stylesheet that its URL contains."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def stylesheet_url(store: CachedStorefront) -> str:
    """Return the path of a store's stylesheet."""
    return reverse("theme:store", kwargs={"slug": store.slug, "digest": content_digest(stylesheet([store]))})


def stylesheet_url_of(stores: Iterable[CachedStorefront]) -> str:
    """Return the path of the stylesheet of the stores that a page shows; '' where it shows none."""
    shown = sorted({store.slug: store for store in stores}.values(), key=lambda store: store.slug)
    if not shown:
        return ""
    digest = content_digest(stylesheet(shown))
    return reverse("theme:stores", kwargs={"digest": digest}, query={"store": [store.slug for store in shown]})

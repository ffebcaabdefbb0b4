"""Public suffixes: names as ``co.uk`` or ``github.io``, directly below which anybody may register a name.

The list is the one in the package publicsuffixlist, as old as the package; nothing is downloaded. Without the package
the rule is plain: a name of one label is a public suffix, and no other name.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def is_public_suffix(host: str) -> bool:
    """Return whether strangers may have names directly below a host.

    Suffixes of companies (``github.io``) count, and the bases of the list's wildcards (``kobe.jp`` of ``*.kobe.jp``).
    Of a name that the list does not know, the last label is the suffix: ``localhost`` is one, ``shops.localhost`` not.
    """
    known = bundled_list()
    return known.is_public(host) if known else "." not in host.removesuffix(".")


@lru_cache(maxsize=1)
def bundled_list() -> PublicSuffixList | None:
    """Return the list of the package; None where it is not installed."""
    try:
        from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 -- an extra, and a long list to read
    except ImportError:
        return None
    return PublicSuffixList()

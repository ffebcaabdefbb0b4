"""Which names are public suffixes: below ``co.uk`` or ``github.io`` anybody may have a name of their own.

By publicsuffixlist and the list in its package, which is as new as the package; nothing is downloaded. Where it is not
installed the rule is plain: a name of one label is a public suffix, and no other is known to be one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def is_public_suffix(host: str) -> bool:
    """Whether strangers may have names directly below this one.

    With the suffixes of companies (``github.io``) and the bases of the list's wildcards (``kobe.jp`` of ``*.kobe.jp``).
    Of a name that the list does not know, the last label is the suffix: ``localhost`` is one, ``shops.localhost`` not.
    """
    known = bundled_list()
    return known.is_public(host) if known else "." not in host.removesuffix(".")


@lru_cache(maxsize=1)
def bundled_list() -> PublicSuffixList | None:
    try:
        from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 -- an extra, and a long list to read
    except ImportError:
        return None
    return PublicSuffixList()

"""Each vendor's choices for its desk, cached as long as the registry's snapshot: a request costs no query.

Saving DeskSettings bumps the registry's version (support_watch.receivers), so every node reads them anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from sessions_farm.communities.registry import RegistrySnapshot, registry
from support_watch.models import DeskSettings, WatchedPage


@dataclass(frozen=True, slots=True)
class CachedSettings:
    """Cache the choices of one vendor."""

    pages: frozenset[str] = frozenset({WatchedPage.SUPPORT})
    greets: bool = False


DEFAULTS = CachedSettings()


class SettingsCache:
    """Look up the choices of vendors in this process."""

    def __init__(self) -> None:
        self._read: tuple[RegistrySnapshot, dict[int, CachedSettings]] | None = None

    def of(self, vendor_id: int) -> CachedSettings:
        """Return a vendor's choices; the defaults where it made none."""
        current = registry.current()
        if self._read is None or self._read[0] is not current:
            self._read = (
                current,
                {row.vendor_id: CachedSettings(frozenset(row.pages), row.greets) for row in DeskSettings.objects.all()},
            )
        return self._read[1].get(vendor_id, DEFAULTS)


desk_settings = SettingsCache()

"""Signal receivers of the vendors app."""

from typing import Any

from sessions_farm.communities.models import RegistryVersion


def bump_registry_version(**_kwargs: Any) -> None:
    """Invalidate the storefront cache of every node after a store was opened, closed or moved."""
    RegistryVersion.bump()

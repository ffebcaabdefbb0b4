"""What the catalogue does when its rows change."""

from typing import Any

from sessions_farm.communities.models import RegistryVersion


def raise_version(**_kwargs: Any) -> None:
    """A store was opened, closed, moved or repainted: every node reads its stores anew."""
    RegistryVersion.bump()

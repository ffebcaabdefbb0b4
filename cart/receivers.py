"""Signal receivers of the cart."""

from typing import TYPE_CHECKING, Any

from django.dispatch import receiver
from django.utils import timezone

from cart import services
from sessions_farm.communities.signals import visitors_merging

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor


@receiver(visitors_merging)
def merge_carts_of_visitors(source: "Visitor", target: "Visitor", **_: Any) -> None:
    """Merge the carts of two visitors, inside the transaction that merges the visitors."""
    services.merge_carts(source=source, target=target, now=timezone.now())

"""What the cart does when visitors merge."""

from typing import TYPE_CHECKING, Any

from django.dispatch import receiver
from django.utils import timezone

from cart import services
from sessions_farm.communities.signals import visitors_merging

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor


@receiver(visitors_merging)
def merge_carts(source: "Visitor", target: "Visitor", **_: Any) -> None:
    services.merge_carts(source=source, target=target, now=timezone.now())

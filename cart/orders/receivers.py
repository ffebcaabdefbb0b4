"""Signal receivers of orders."""

from typing import TYPE_CHECKING, Any

from django.dispatch import receiver

from cart.orders.models import Order
from sessions_farm.communities.signals import visitors_merging

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor


@receiver(visitors_merging)
def reassign_orders(source: "Visitor", target: "Visitor", **_: Any) -> None:
    """Reassign orders to the merged visitor, inside the transaction that merges the visitors."""
    Order.objects.filter(visitor=source).update(visitor=target)

"""Reviews by buyers: which lines of an order may be reviewed by the holder of its link (ADR 78)."""

from __future__ import annotations

from cart.orders.models import Consignment, Order, OrderLine

REVIEWABLE = (Consignment.State.SENT, Consignment.State.DELIVERED)


def reviewable_line(order: Order, line_id: int) -> OrderLine | None:
    """Return a line whose goods were sent to the buyer, of an order that is read with its lines; None for any other."""
    lines = (line for each in order.consignments.all() if each.state in REVIEWABLE for line in each.lines.all())
    return next((line for line in lines if line.pk == line_id and line.to_pack and line.variant is not None), None)

"""The packing desk's slips on their way to departments: one PDF for each dispatch whose route asks for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from cart.orders.slips import Slip, SlipsFile, find_slips
from shipping.claim import Claim
from shipping.models import Action


def of_claims(claims: Sequence[Claim]) -> dict[int, Callable[[], bytes]]:
    """Return a function that draws the slip, by the identity of its claim; the rows are read here, at once."""
    carrying = [claim for claim in claims if claim.route.config.get("slips") and claim.dispatch.action != Action.CANCEL]
    if not carrying:
        return {}
    slips = {slip.consignment.pk: slip for slip in find_slips({each.dispatch.consignment_id for each in carrying})}
    return {
        id(claim): partial(draw, slips[claim.dispatch.consignment_id])
        for claim in carrying
        if claim.dispatch.consignment_id in slips
    }


def draw(slip: Slip) -> bytes:
    """Return the PDF of one slip."""
    with SlipsFile() as file:
        file.add(slip)
        return file.content()


def draw_for(consignment_id: int, vendor_id: int) -> bytes:
    """Return the slip of a vendor's consignment as it is now; empty where there is nothing to pack."""
    slip = next(find_slips([consignment_id], vendor_id), None)
    return draw(slip) if slip is not None else b""

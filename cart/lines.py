"""The lines of a cart: the statements that change a quantity, whatever the reason."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import F, QuerySet

if TYPE_CHECKING:
    from cart.models import CopiedLine, Line
    from vendors.models import Variant

MAX_QUANTITY = 99

# One atomic statement: concurrent additions from two tabs lose no piece and make one line.
UPSERT = """
    INSERT INTO cart_line AS line (cart_id, variant_id, quantity, seen_price, added_at)
    VALUES (%s, %s, LEAST(%s, %s), %s, %s)
    ON CONFLICT (cart_id, variant_id) DO UPDATE
    SET quantity = GREATEST(LEAST(line.quantity + %s, %s), 1), seen_price = EXCLUDED.seen_price
    RETURNING quantity
"""


def add_pieces(
    cart_id: int, variant: Variant, quantity: int, *, limit: int, added_at: datetime, seen_price: int | None = None
) -> int:
    """Add pieces to the line of a variant, new or not, up to a limit; return the line's quantity."""
    price = variant.current_price(added_at) if seen_price is None else seen_price
    limit = min(limit, MAX_QUANTITY)
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, [cart_id, variant.pk, quantity, limit, price, added_at, quantity, limit])
        row = cursor.fetchone()
    return int(row[0])


def remove_pieces(lines: QuerySet[Line] | QuerySet[CopiedLine], quantity: int) -> None:
    """Remove a number of pieces from a line, if there is one; without any left it is deleted."""
    if not lines.filter(quantity__gt=quantity).update(quantity=F("quantity") - quantity):
        lines.filter(quantity__lte=quantity).delete()

"""The lines of a cart: the statements that change a quantity."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

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

# One statement for a whole purchase; each part sees the rows as they were before it.
END_PURCHASE = """
    WITH bought AS (SELECT * FROM UNNEST(%s::bigint[], %s::int[]) AS bought (variant_id, pieces)),
    own AS (SELECT id FROM cart_cart WHERE visitor_id = %s),
    emptied AS (
        DELETE FROM cart_line AS line USING bought, own
        WHERE line.cart_id = own.id AND line.variant_id = bought.variant_id AND line.quantity <= bought.pieces
    ),
    reduced AS (
        UPDATE cart_line AS line SET quantity = line.quantity - bought.pieces FROM bought, own
        WHERE line.cart_id = own.id AND line.variant_id = bought.variant_id AND line.quantity > bought.pieces
    ),
    released AS (UPDATE cart_cart AS cart SET held_by = NULL FROM own WHERE cart.id = own.id)
    SELECT EXISTS (SELECT FROM cart_copiedline AS copy JOIN own ON copy.target_id = own.id)
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


def end_purchase(visitor_id: UUID, bought: Mapping[int, int]) -> bool:
    """Remove pieces by variant from a visitor's lines, and end the cart's hold; lines without any left are deleted.

    Return whether the cart has lines that were copied from another.
    """
    with connection.cursor() as cursor:
        cursor.execute(END_PURCHASE, [list(bought.keys()), list(bought.values()), visitor_id])
        row = cursor.fetchone()
    return bool(row[0])


def remove_pieces(lines: QuerySet[Line] | QuerySet[CopiedLine], quantity: int) -> None:
    """Remove a number of pieces from a line, if there is one; without any left it is deleted."""
    if not lines.filter(quantity__gt=quantity).update(quantity=F("quantity") - quantity):
        lines.filter(quantity__lte=quantity).delete()

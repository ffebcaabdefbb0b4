"""What must hold of orders, payments, charges and stock: at any time, and once nothing is under way any more.

Each is a statement that selects what is wrong.
"""

from django.db import connection

ALWAYS = {
    "two payments kept of one wish": """
        SELECT o.wish FROM orders_payment p JOIN orders_order o ON o.id = p.order_id
        WHERE p.state = 'captured' GROUP BY o.wish HAVING count(*) > 1""",
    "two orders of one wish": """
        SELECT wish FROM orders_order WHERE state = 'placed' GROUP BY wish HAVING count(*) > 1""",
    "consignments that are not the order's total": """
        SELECT o.number FROM orders_order o
        WHERE o.total <> (SELECT coalesce(sum(goods_total + delivery_charge), 0) FROM orders_consignment c
                          WHERE c.order_id = o.id)""",
    "lines that are not the consignment's total": """
        SELECT c.number FROM orders_consignment c
        WHERE c.goods_total <> (SELECT coalesce(sum(quantity * unit_price), 0) FROM orders_orderline l
                                WHERE l.consignment_id = c.id)""",
    "stock that is not the sum of its movements": """
        SELECT s.variant_id::text FROM vendors_stock s
        WHERE s.on_hand <> (SELECT coalesce(sum(quantity), 0) FROM vendors_stockmovement m
                            WHERE m.stock_id = s.variant_id)""",
    "sold goods that are not the order's": """
        SELECT o.number FROM orders_order o
        WHERE (SELECT coalesce(-sum(quantity), 0) FROM vendors_stockmovement m WHERE m.reference = o.uuid)
           <> (SELECT coalesce(sum(l.quantity - l.cancelled - (
                   SELECT coalesce(sum(r.pieces), 0) FROM aftersale_returnline r
                   JOIN aftersale_return t ON t.id = r.returned_id
                   WHERE r.line_id = l.id AND t.state IN ('received', 'refunded'))), 0)
               FROM orders_orderline l JOIN orders_consignment c ON c.id = l.consignment_id
               WHERE c.order_id = o.id AND o.placed_at IS NOT NULL)""",
    "more refunded than was paid": """
        SELECT reference FROM orders_payment p WHERE amount
        < (SELECT coalesce(sum(amount), 0) FROM orders_refund r WHERE r.payment_id = p.id)""",
    "more given back than was taken": """
        SELECT reference FROM sandbox_gateway_charge h WHERE amount
        < (SELECT coalesce(sum(amount), 0) FROM sandbox_gateway_chargerefund r WHERE r.charge_id = h.id)""",
    "more refunded of a thing than it cost": """
        SELECT name FROM orders_orderline l WHERE quantity * unit_price
        < (SELECT coalesce(sum(amount), 0) FROM orders_refundpart r WHERE r.line_id = l.id)""",
    "refund that is not its parts": """
        SELECT key FROM orders_refund f
        WHERE amount <> (SELECT coalesce(sum(amount), 0) FROM orders_refundpart r WHERE r.refund_id = f.id)""",
}
SETTLED = {
    "charge without payment": """
        SELECT h.reference FROM sandbox_gateway_charge h WHERE h.state = 'captured' AND NOT EXISTS
        (SELECT FROM orders_payment p WHERE p.reference = h.reference AND p.state = 'captured')""",
    "payment without charge": """
        SELECT p.reference FROM orders_payment p WHERE p.state = 'captured' AND NOT EXISTS
        (SELECT FROM sandbox_gateway_charge h
         WHERE h.reference = p.reference AND h.state = 'captured' AND h.amount = p.amount)""",
    "paid without order": """
        SELECT p.reference FROM orders_payment p JOIN orders_order o ON o.id = p.order_id
        WHERE p.state = 'captured'
        AND (o.placed_at IS NULL OR o.total <> p.amount OR o.state <> 'placed' AND p.refund_total < p.amount)""",
    "order without payment": """
        SELECT o.number FROM orders_order o WHERE o.state = 'placed' AND o.total > 0 AND NOT EXISTS
        (SELECT FROM orders_payment p WHERE p.order_id = o.id AND p.amount = o.total
         AND (p.state = 'captured' OR p.state = 'refunded' AND p.refund_total = p.amount))""",
    "order without dispatch": """
        SELECT c.number FROM orders_consignment c JOIN orders_order o ON o.id = c.order_id
        WHERE o.state = 'placed' AND c.state <> 'cancelled' AND NOT EXISTS
        (SELECT FROM shipping_dispatch d WHERE d.consignment_id = c.id AND d.state <> 'cancelled')""",
    "dispatch of goods that were cancelled": """
        SELECT c.number FROM orders_consignment c JOIN shipping_dispatch d ON d.consignment_id = c.id
        WHERE c.state = 'cancelled' AND d.state <> 'cancelled' AND d.fence = 0
         AND d.action <> 'cancel'""",
    "refund that nobody makes": """
        SELECT key FROM orders_refund WHERE state = 'due'""",
    "given back what was not decided": """
        SELECT h.reference FROM sandbox_gateway_charge h JOIN orders_payment p ON p.reference = h.reference
        WHERE (SELECT coalesce(sum(amount), 0) FROM sandbox_gateway_chargerefund r WHERE r.charge_id = h.id)
           <> CASE WHEN p.refund_total > 0 THEN p.refund_total WHEN p.state = 'refunded' THEN p.amount ELSE 0 END""",
    "payment that nobody ends": """
        SELECT reference FROM orders_payment WHERE state IN ('started', 'refund_due')""",
    "draft that nobody ends": """
        SELECT number FROM orders_order WHERE state = 'draft'""",
    "charge that can still be paid": """
        SELECT reference FROM sandbox_gateway_charge WHERE state IN ('open', 'challenged')""",
    "goods held for no order": """
        SELECT reference::text FROM vendors_stockhold""",
}


def wrong_now() -> list[tuple[str, str]]:
    """What may never be, as pairs of rule and row."""
    return found(ALWAYS)


def wrong_at_rest() -> list[tuple[str, str]]:
    """What may not be once all is swept: the four lists, and whatever else was left behind."""
    return found(ALWAYS | SETTLED)


def found(rules) -> list[tuple[str, str]]:
    union = " UNION ALL ".join(
        f"SELECT '{name.replace("'", "''")}', * FROM ({sql}) AS rows" for name, sql in rules.items()
    )
    with connection.cursor() as cursor:
        cursor.execute(union)
        return cursor.fetchall()

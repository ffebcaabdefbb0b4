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
           <> (SELECT coalesce(sum(l.quantity), 0) FROM orders_orderline l
               JOIN orders_consignment c ON c.id = l.consignment_id WHERE c.order_id = o.id AND o.state = 'placed')""",
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
        WHERE p.state = 'captured' AND (o.state <> 'placed' OR o.total <> p.amount)""",
    "order without payment": """
        SELECT o.number FROM orders_order o WHERE o.state = 'placed' AND o.total > 0 AND NOT EXISTS
        (SELECT FROM orders_payment p WHERE p.order_id = o.id AND p.state = 'captured')""",
    "order without dispatch": """
        SELECT c.number FROM orders_consignment c JOIN orders_order o ON o.id = c.order_id
        WHERE o.state = 'placed' AND NOT EXISTS
        (SELECT FROM shipping_dispatch d WHERE d.consignment_id = c.id)""",
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

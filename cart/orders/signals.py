"""Signals of orders for the apps above them."""

from django.dispatch import Signal

# Joining: sent by ``send()`` inside the transaction that places an order, with ``order`` and ``now``; a receiver's
# exception rolls the order back, so its rows and the order exist together or not at all.
order_finalising = Signal()

# After the commit, robust, with ``order``.
order_placed = Signal()

# Joining: sent by ``send()`` inside the transaction that cancels pieces, with ``consignment`` (its lines say what is
# kept), ``pieces`` by line and ``now``. The order is locked.
goods_cancelled = Signal()

# Joining: sent by ``send()`` inside the transaction that changes where the goods of ``consignments`` go, with ``now``.
# The order is locked, and its new address saved. Receivers return a dict: consignment's pk -> True where its shipping
# department may have had the old address already, and is sent the new one.
address_changed = Signal()

# Joining: sent by ``send()`` inside the transaction that records a refund as made, with ``refund`` and ``now``.
refund_made = Signal()

# Joining: sent by ``send()`` inside the transaction that sends consignments, with the list of ``consignments``,
# ``until`` when that can be taken back, and ``now``. Their rows are locked.
consignments_sent = Signal()

# Joining: sent by ``send()`` inside the transaction that takes back the sending of ``consignments``, with ``now``.
consignments_taken_back = Signal()

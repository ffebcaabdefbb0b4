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

# Joining: sent by ``send()`` inside the transaction that records a refund as made, with ``refund`` and ``now``.
refund_made = Signal()

# Joining: sent by ``send()`` inside the transaction that sends consignments, with the list of ``consignments``,
# ``until`` when that can be taken back, and ``now``. Their rows are locked.
consignments_sent = Signal()

# Joining: sent by ``send()`` inside the transaction that marks the list of ``consignments`` as delivered, with ``now``.
consignments_delivered = Signal()

# Joining: sent by ``send()`` inside the transaction that takes back the sending of ``consignments``, with ``now``.
consignments_taken_back = Signal()

# Joining: sent by ``send()`` inside the transaction that changes the address or the mail address of an order, with
# ``order`` as it is now, ``is_postal`` where its goods go elsewhere, and ``now``. The order is locked.
contact_changed = Signal()

# Joining: sent by ``send()`` inside the transaction that erases the buyers of ``orders``, a list of keys, for the texts
# about them in other rows.
buyers_erased = Signal()

"""Signals of orders for the apps above them."""

from django.dispatch import Signal

# Joining: sent by ``send()`` inside the transaction that places an order, with ``order`` and ``now``; a receiver's
# exception rolls the order back, so its rows and the order exist together or not at all.
order_finalising = Signal()

# After the commit, robust, with ``order``.
order_placed = Signal()

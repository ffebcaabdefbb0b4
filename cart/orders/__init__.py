"""Orders, consignments and payments: the agreed sale and its state machine.

Exceptions::

    Exception
    ├── RefundError                    cart.orders.refunds: so much is not left of what was paid
    └── StaleConsignmentError          cart.orders.packing: the consignment has left the expected state
"""

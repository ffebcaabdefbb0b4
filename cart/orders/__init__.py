"""Orders, consignments and payments: the agreed sale and its state machine.

Exceptions::

    Exception
    ├── AddressError (ValueError)      cart.orders.postal: the country would not take this part of an address
    ├── RefundError                    cart.orders.refunds: so much is not left of what was paid
    └── StaleConsignmentError          cart.orders.packing: the consignment has left the expected state
"""

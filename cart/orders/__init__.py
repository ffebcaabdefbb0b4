"""Orders, consignments and payments: the agreed sale and its state machine.

Exceptions::

    Exception
    └── StaleConsignmentError          cart.orders.services: the consignment has left the expected state
"""

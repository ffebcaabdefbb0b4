"""Orders, consignments and payments: the agreed sale and its state machine.

Exceptions::

    Exception
    ├── LinkOverError                  cart.orders.access: the signed link has run out, or was ended
    ├── AddressError (ValueError)      cart.orders.postal: the country would not take this part of an address
    ├── RefundError                    cart.orders.refunds: so much is not left of what was paid
    ├── FullAddressBookError           cart.orders.services: an address book has no room for another entry
    └── StaleConsignmentError          cart.orders.packing: the consignment has left the expected state
"""

"""Cart, orders and checkout of a visitor, over all stores of a community.

Exceptions::

    Exception
    ├── NotForSaleError                cart.services: a variant is not sold, or not by this store
    ├── StaleConsignmentError          cart.orders.services: the consignment has left the expected state
    └── CheckoutError                  cart.checkout.errors: printed there in full
"""

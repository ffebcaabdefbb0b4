"""Cart, orders and checkout of a visitor, over all stores of a community.

Exceptions::

    Exception
    ├── NotForSaleError                cart.services: a variant is not sold, or not by this store
    ├── RowLockTimeoutError            cart.transactions: another transaction held a row lock for too long
    ├── StaleConsignmentError          cart.orders.packing: the consignment has left the expected state
    └── CheckoutError                  cart.checkout.errors: printed there in full
"""

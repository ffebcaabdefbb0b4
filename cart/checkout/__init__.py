"""Checkout: from a cart to a paid order.

Exceptions::

    CheckoutError
    ├── CartNotBuyableError            the cart is empty, or a line cannot be bought
    ├── CartChangedError               goods, delivery or address differ from the reviewed ones
    ├── PriceIncreasedError            the total is above the agreed one
    ├── AlreadyPaidError               an order of this checkout is paid
    ├── PaymentReturnedError           an earlier payment of this checkout was made, and goes back
    ├── DraftExpiredError              the draft order expired before payment
    └── PaymentError                   the payment gateway refused or was unreachable
"""

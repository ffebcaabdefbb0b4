"""Checkout: from a cart to a paid order.

Exceptions::

    CheckoutError
    ├── CartNotBuyableError            the cart is empty, or a line cannot be bought
    ├── CartChangedError               goods, delivery or address differ from the reviewed ones
    ├── PriceIncreasedError            the total is above the agreed one
    ├── AlreadyPaidError               an order of this checkout is paid
    ├── PaymentReturnedError           an earlier payment of this checkout was made, and goes back
    ├── DraftExpiredError              the draft order expired before payment
    ├── LimitError                     a limit on abuse
    │   ├── TooManyPiecesError         more pieces than a shopper who never paid may hold
    │   └── WaitError                  it ends by itself
    │       ├── TooManyDeclinesError   declined cards of this checkout or shopper
    │       ├── HeldTooLongError       goods that this shopper has held for long
    │       └── NetworkBusyError       the shoppers of this network who never paid have used up their share
    └── PaymentError                   the payment gateway refused or was unreachable
"""

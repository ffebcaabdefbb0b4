"""After the sale: cancellations, returns and refunds of an order, by line, consignment or whole, each once.

Exceptions::

    AfterSaleError
    ├── NotCancellableError            these pieces are sent, cancelled or never were
    ├── NotReturnableError             these pieces are not sent yet, or in a return, or it is too late
    └── StaleReturnError               the return has left the expected state
"""

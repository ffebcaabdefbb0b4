"""After the sale: cancellations, returns, refunds and changes of address of an order, each once; and reorders.

Exceptions::

    AfterSaleError
    ├── NotCancellableError            these pieces are sent, cancelled or never were
    ├── NotReturnableError             these pieces are not sent yet, or in a return, or it is too late
    ├── NotChangeableError             the address is in use already, or changed meanwhile
    ├── QuestionRefusedError           the shop was asked too often, or has no address
    └── StaleReturnError               the return has left the expected state
"""

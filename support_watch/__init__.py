"""The support desk: presence of shoppers on a store's watched pages, shown live to the vendor's staff.

Exceptions::

    Exception
    ├── FeedRefusedError           client: the feed does not let this program in
    ├── FeedUnavailableError       feed.writes: Redis did not answer in time, or the circuit breaker is open
    ├── NotAllowedError            carts: the shopper does not let the cart be seen, or has gone
    └── SessionUnavailableError    access: the session store did not answer
"""

"""The live feed of a store's support page: presence of shoppers, shown to the vendor's staff over WebSockets.

Exceptions::

    Exception
    ├── FeedUnavailableError       feed.writes: Redis did not answer in time, or the circuit breaker is open
    └── SessionUnavailableError    access: the session store did not answer
"""

"""Stock alerts: addresses that get one letter when sold-out goods can be had again (ADR 77).

Exceptions::

    AlertError                  cart.stock_alerts.errors: an alert cannot be; the message is for the shopper
    ├── SoldNoMoreError         the goods are not sold any more
    ├── InStockError            there is some of it now
    └── TooManyAlertsError      a limit of a visitor, a network or an address is used up
"""

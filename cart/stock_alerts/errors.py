"""Errors of stock alerts, each a sentence for the shopper."""


class AlertError(Exception):
    """Report a stock alert that cannot be."""


class SoldNoMoreError(AlertError):
    """Report goods that are not sold any more."""


class InStockError(AlertError):
    """Report goods that are there now."""


class TooManyAlertsError(AlertError):
    """Report a limit on the alerts of a visitor, a network or an address."""

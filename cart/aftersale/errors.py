"""Errors after the sale, in words for people; nothing was changed when one is raised."""


class AfterSaleError(Exception):
    """Base class of the errors after the sale."""


class NotCancellableError(AfterSaleError):
    """Report pieces that cannot be cancelled: sent, cancelled before, or more than were ordered."""


class NotReturnableError(AfterSaleError):
    """Report pieces that cannot be returned: not sent, in a return already, or asked for too late."""


class NotChangeableError(AfterSaleError):
    """Report an address that cannot be changed: too late, changed meanwhile, or not changed at all."""


class QuestionRefusedError(AfterSaleError):
    """Report a question too soon after others, or one that no shop could get."""


class StaleReturnError(AfterSaleError):
    """Report a return that has left the expected state."""

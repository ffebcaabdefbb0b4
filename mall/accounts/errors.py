"""Exceptions of the accounts; the messages are for the asking person."""


class AccountError(Exception):
    """Report a change of accounts that is refused."""


class RoleRefusedError(AccountError):
    """Report a role in the mall that cannot be given or taken so."""


class LastSuperuserError(RoleRefusedError):
    """Report that the mall would be left without a superuser."""


class ImpersonationRefusedError(AccountError):
    """Report an impersonation that cannot begin."""


class DeletionRefusedError(AccountError):
    """Report an account that its owner cannot delete."""

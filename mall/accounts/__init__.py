"""Accounts: users and their roles in the mall, sign-in, the pages of a person's account, impersonation.

Exceptions::

    Exception
    └── AccountError        mall.accounts.errors: a change of accounts is refused; the message is for its asker
        ├── RoleRefusedError        a role in the mall cannot be given or taken so
        │   └── LastSuperuserError      the mall would be left without a superuser
        ├── ImpersonationRefusedError   an impersonation cannot begin
        └── DeletionRefusedError        an account that its owner cannot delete
"""

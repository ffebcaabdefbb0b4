"""A gateway of people: the shopper transfers the amount, and the mall's staff mark it as paid.

Exceptions::

    Exception
    └── TransferError                  manual.services: the transfer cannot be changed so
"""

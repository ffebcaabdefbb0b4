"""The farm of containers on one machine: its commands, each of which runs while shoppers shop.

Standard library only: a machine that runs the farm has Docker, Compose and a Python, and not the mall's packages. Its
exceptions::

    Exception
    └── FarmError    the farm cannot do that now; the message gives the reason and the cure
"""


class FarmError(Exception):
    """Report that the farm cannot do that now; the message gives the reason and the cure."""

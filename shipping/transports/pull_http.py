"""Orders that the department's program fetches from the mall's pickup API."""

from __future__ import annotations

from shipping.transports.base import PullTransport, RouteSettings


class PullHttpSettings(RouteSettings):
    """Nothing: the program signs in by the department's key."""


class PullHttpTransport(PullTransport):
    """Leases dispatches to a program that asks for them over HTTP; ``shipping.api`` has the requests."""

    label = "fetched by HTTP"
    description = (
        "The department's program asks the mall for orders whenever it is online (mall-pull, or any HTTP client); the"
        " receipt that it brings acknowledges. Nothing needs to be open to the Internet."
    )
    settings = PullHttpSettings

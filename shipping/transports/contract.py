"""What every transport takes, gives and raises."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

ANSWER_MAX = 2000  # characters of an answer that are kept with the attempt


@dataclass(frozen=True, slots=True)
class Shipment:
    """One dispatch as a transport sees it. ``attempt`` is the fence of its claim; ``resend``: it was sent before."""

    key: str
    body: bytes
    sha256: str
    attempt: int
    resend: bool = False
    ack_url: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The other end: a route's config with its secrets opened; keys at :class:`shipping.models.Route`."""

    config: dict[str, object]
    secrets: dict[str, str]

    def text(self, name: str, default: str = "") -> str:
        return str(self.config.get(name, default))

    def number(self, name: str, default: int) -> int:
        value = self.config.get(name, default)
        try:
            return int(str(value))
        except ValueError as error:
            raise TransportError(f"{name} is {value!r}; give a whole number.", hold=True) from error

    def required(self, name: str) -> str:
        value = self.text(name) or self.secrets.get(name, "")
        if not value:
            raise TransportError(f"The route has no {name}; add it to its settings.", hold=True)
        return value


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the other side said when it took a shipment; ``acked``: it named our key as received."""

    acked: bool
    code: str = ""
    answer: str = ""


class TransportError(Exception):
    """A shipment was not taken.

    ``permanent``: this shipment was refused and trying again hardly helps. ``hold``: the route itself is wrong
    (password, host key, address) and a person must look. ``retry_after``: the other side asked for that much time.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        hold: bool = False,
        retry_after: timedelta | None = None,
        code: str = "",
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.hold = hold
        self.retry_after = retry_after
        self.code = code


class Transport(Protocol):
    """Carries a shipment over. It runs in a thread of its own: no database in it."""

    def send(self, shipment: Shipment, endpoint: Endpoint) -> Evidence: ...


class AckSource(Protocol):
    """A transport whose other side leaves its acknowledgements lying to be fetched."""

    def acked(self, shipments: list[Shipment], endpoint: Endpoint) -> list[str]:
        """The keys, out of those asked for, that the department has acknowledged."""
        ...

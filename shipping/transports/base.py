"""The protocol of transports: payload, endpoint, result and error."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

RESPONSE_MAX = 2000  # characters of a response that are stored with the attempt


@dataclass(frozen=True, slots=True)
class DispatchPayload:
    """The data of one dispatch that a transport sends. ``attempt`` is its fencing token; ``resend``: sent before."""

    key: str
    body: bytes
    sha256: str
    attempt: int
    resend: bool = False
    ack_url: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A department's end of a route: config and decrypted secrets; keys at :class:`shipping.models.Route`."""

    config: dict[str, object]
    secrets: dict[str, str]

    def text(self, name: str, default: str = "") -> str:
        """Return a setting as text."""
        return str(self.config.get(name, default))

    def number(self, name: str, default: int) -> int:
        """Return a setting as a whole number; raise TransportError with ``hold`` for any other text."""
        value = self.config.get(name, default)
        try:
            return int(str(value))
        except ValueError as error:
            raise TransportError(f"{name} is {value!r}; give a whole number.", hold=True) from error

    def required(self, name: str) -> str:
        """Return a setting or secret that must be there; raise TransportError with ``hold`` where it is missing."""
        value = self.text(name) or self.secrets.get(name, "")
        if not value:
            raise TransportError(f"The route has no {name}; add it to its settings.", hold=True)
        return value


@dataclass(frozen=True, slots=True)
class SendResult:
    """The response to a payload that was taken; ``acked``: it names our key as received."""

    acked: bool
    code: str = ""
    response: str = ""


class TransportError(Exception):
    """A department did not take a payload.

    ``permanent``: this payload was refused and a retry hardly helps. ``hold``: the route itself is wrong
    (password, host key, address) and a person must look. ``retry_after``: the wait that the other side asks for.
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
    """Sends a payload. It runs in a thread of its own and must not use the database."""

    def send(self, payload: DispatchPayload, endpoint: Endpoint) -> SendResult:
        """Send a payload; raise TransportError where it was not taken."""
        ...


class AckSource(Protocol):
    """A transport whose acknowledgements are fetched from the department's server."""

    def fetch_acks(self, payloads: list[DispatchPayload], endpoint: Endpoint) -> list[str]:
        """Return the keys of the payloads that the department has acknowledged."""
        ...

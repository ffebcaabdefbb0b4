"""The base class of transports: payload, endpoint, result and error."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.db import models

from shipping import envelope
from shipping.envelope import SigningKey

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
    slip: Callable[[], bytes] | None = None
    """Draws the packing desk's slip, a PDF; it takes a moment, and is called in a thread."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A dispatch whose acknowledgement is looked for."""

    key: str
    sha256: str


class AckPolicy(models.TextChoices):
    """The acknowledgement that a route expects of its department."""

    JSON = "json", 'an answer {"ack": our key}'
    SIGNED = "signed", "a receipt that is signed with the department's key"
    CALLBACK = "callback", "a receipt that the department's program brings to the mall"
    ANSWER = "answer", "any answer that says it was taken"
    FILE = "file", "the file moved to done/, or <name>.ack beside it"
    PERSON = "person", "a person on the page that the mail links"


class Outcome(models.TextChoices):
    """The fate of a dispatch at the department, in its own words."""

    APPLIED = "applied", "applied"
    DUPLICATE = "duplicate", "it had it; nothing changed"
    OLDER = "older", "it has a newer revision; nothing changed"
    ALREADY_SENT = "already sent", "too late: the goods were sent already"


@dataclass(frozen=True, slots=True)
class FoundAck:
    """An acknowledgement by the key of its dispatch."""

    key: str
    outcome: str = ""

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> FoundAck:
        """Return the acknowledgement in the department's JSON; its key is empty where there is none."""
        outcome = document.get("outcome")
        return cls(str(document.get("ack", "")), outcome if outcome in Outcome.values else "")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A department's end of a route: settings, decrypted secrets, policy of acknowledgement, and signing keys."""

    config: dict[str, object]
    secrets: dict[str, str]
    keys: tuple[SigningKey, ...] = ()
    ack_policy: str = ""

    def seal(self, content: bytes, kind: str = envelope.ORDER, *, detached: bool = False) -> bytes:
        """Return content as a signed document; raise TransportError with ``hold`` where no key signs."""
        if not self.keys:
            raise TransportError("No key signs for this shop; make one on its department’s page.", hold=True)
        return envelope.seal(content, kind, self.keys, detached=detached)

    def find_receipt(self, content: bytes, key: str) -> FoundAck | None:
        """Return the acknowledgement in a signed receipt; None where it is forged, or another dispatch's."""
        try:
            receipt = envelope.verify(content, envelope.RECEIPT, self.keys)
            found = FoundAck.parse(envelope.load_object(receipt))
        except envelope.ForgedDocumentError:
            return None
        return found if found.key == key else None

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
    """The response to a payload that was taken; ``acked``: it is the acknowledgement that the route expects."""

    acked: bool
    code: str = ""
    response: str = ""
    outcome: str = ""


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


class RouteSettings(forms.Form):
    """The settings of a route over one transport, as staff type them; ``secrets`` names those that are never shown."""

    secrets: ClassVar[tuple[str, ...]] = ()
    buttons: ClassVar[tuple[str, ...]] = ()
    """Fields that are wishes of one press, and no settings."""

    @classmethod
    def generate(cls, values: dict[str, Any], stored: dict[str, str]) -> dict[str, str]:
        """Return secrets that the mall makes by itself, once the form is valid."""
        del values, stored
        return {}

    @classmethod
    def facts(cls, config: dict[str, Any], secrets: dict[str, str]) -> list[tuple[str, str]]:
        """Return the facts of the route that the department's program needs, each with its name."""
        del config, secrets
        return []

    @classmethod
    def complaints(cls, values: dict[str, Any], secrets: set[str]) -> dict[str, str]:
        """Return what is wrong with the settings as a whole, by field; ``secrets`` are those given or stored."""
        del values
        return {name: "A route needs it." for name in cls.secrets if name not in secrets}

    @classmethod
    def merge_secrets(cls, stored: dict[str, str], given: dict[str, str]) -> dict[str, str]:
        """Return the secrets to be stored, once new ones are given."""
        return stored | given


class Transport:
    """One way to departments, declared: its settings, its acknowledgements, its times."""

    label: ClassVar[str]
    description: ClassVar[str]
    """What the department needs for it, as a sentence for staff."""
    settings: ClassVar[type[RouteSettings]]
    ack_policies: ClassVar[tuple[AckPolicy, ...]]
    """The acknowledgements that a route may choose of; the first is the default."""
    ack_timeout: ClassVar[timedelta] = timedelta(hours=24)
    """How long a sent dispatch waits for its acknowledgement before it is sent again."""
    most_sends: ClassVar[int] = 3
    """Sends without an acknowledgement after which a dispatch is dead: a person must call, not copy."""


class PullTransport(Transport):
    """A transport over which the department's program comes for its orders; the runner sends nothing.

    A dispatch that was fetched and not acknowledged is offered again, for the program may have died; so more often than
    a copy is sent.
    """

    ack_policies = (AckPolicy.CALLBACK,)
    ack_timeout = timedelta(minutes=15)
    most_sends = 96


class PushTransport(Transport, ABC):
    """A transport by which the mall sends. A runner makes one for its event loop; it must not use the database."""

    deadline: ClassVar[timedelta] = timedelta(seconds=20)
    """The end of a send and of a look for acknowledgements, from the look-up of the name to the last byte."""
    in_flight: ClassVar[int] = 4
    """Most dispatches of one route in flight at once."""
    links_ack_page: ClassVar[bool] = False
    """Payloads carry the link of the page on which a person acknowledges."""

    @abstractmethod
    async def send(self, payload: DispatchPayload, endpoint: Endpoint) -> SendResult:
        """Send a payload; raise TransportError where it was not taken."""

    @abstractmethod
    async def try_out(self, endpoint: Endpoint) -> str:
        """Send a test that causes no work; return what the other side did, as a sentence. Raise as ``send`` does."""

    async def close(self) -> None:
        """Close the connections that were kept open."""
        return


class CollectingTransport(PushTransport):
    """A transport whose acknowledgements are fetched from the department's own server."""

    most_files: ClassVar[int] = 500
    """Dispatches of one look; the next look begins behind them."""

    @abstractmethod
    async def collect(self, sent: Sequence[SentFile], endpoint: Endpoint) -> list[FoundAck]:
        """Return the acknowledgements that the department has left."""

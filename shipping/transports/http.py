"""A signed HTTP request to the department's own server."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import AsyncIterable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpcore2
from django import forms

from shipping import egress, envelope, signatures
from shipping.keys import make_key, new_root
from shipping.transports import fields
from shipping.transports.base import (
    RESPONSE_MAX,
    AckPolicy,
    DispatchPayload,
    Endpoint,
    FoundAck,
    PushTransport,
    RouteSettings,
    SendResult,
    TransportError,
)

MAX_RESPONSE_BYTES = 64 * 1024
ED25519 = "ed25519"
KEEP_SECONDS = 2.0
MOST_POOLS = 256

REFUSALS = frozenset({400, 404, 405, 413, 415, 422})
HOLDS = {
    401: "does not accept our signature",
    403: "forbids the delivery",
    410: "is closed for good",
}


class HttpSettings(RouteSettings):
    url = fields.AddressField(
        label="Address", help_text="Where the department's server takes orders: https://orders.example.org/mall."
    )
    signature = forms.ChoiceField(
        choices=[("hmac", "a secret that both sides know (HMAC, v1)"), (ED25519, "a key of the mall's (Ed25519, v1a)")],
        required=False,
        help_text="With a key of the mall's the department stores its public half alone, which is no secret.",
    )
    secret = fields.WebhookSecretField(
        help_text="For HMAC: signs each request: whsec_ and base64 of 24 to 64 bytes, the same as on the department's"
        " server. When it is changed, requests carry a signature of the old one too until it is changed again."
    )
    new_key = forms.BooleanField(
        required=False, label="Make a new key", help_text="For Ed25519; the old one still signs."
    )
    secrets = ("secret",)
    buttons = ("new_key",)

    @classmethod
    def complaints(cls, values: dict[str, Any], secrets: set[str]) -> dict[str, str]:
        return {} if values.get("signature") == ED25519 else super().complaints(values, secrets)

    @classmethod
    def generate(cls, values: dict[str, Any], stored: dict[str, str]) -> dict[str, str]:
        """Make the mall's key where requests are signed by one."""
        has_key = stored.get("secret", "").startswith(signatures.PRIVATE_PREFIX)
        if values.get("signature") != ED25519 or (has_key and not values.get("new_key")):
            return {}
        return {"secret": signatures.new_private_key()}

    @classmethod
    def merge_secrets(cls, stored: dict[str, str], given: dict[str, str]) -> dict[str, str]:
        """Keep the old secret beside the new one, so that the department changes its own without a gap."""
        old = stored.get("secret")
        return given | ({"previous_secret": old} if old and old != given.get("secret") else {})

    @classmethod
    def facts(cls, config: dict[str, Any], secrets: dict[str, str]) -> list[tuple[str, str]]:
        """Return the public key under which the department verifies requests."""
        secret = secrets.get("secret", "")
        if config.get("signature") != ED25519 or not secret.startswith(signatures.PRIVATE_PREFIX):
            return []
        return [("Public key", signatures.public_key(secret))]


class HttpTransport(PushTransport):
    """Sends by Standard Webhooks through the egress guard; no redirects, no proxies of the environment."""

    label = "signed HTTP request"
    description = (
        "The department has a web server that is always on: each order goes there at once, and its answer acknowledges."
    )
    settings = HttpSettings
    ack_policies = (AckPolicy.JSON, AckPolicy.SIGNED, AckPolicy.CALLBACK, AckPolicy.ANSWER)
    in_flight = 8

    def __init__(self) -> None:
        self.pools: dict[str, httpcore2.AsyncConnectionPool] = {}

    async def send(self, payload: DispatchPayload, endpoint: Endpoint) -> SendResult:
        url = endpoint.required("url")
        parts = _validate_url(url)
        content = endpoint.seal(payload.body)
        headers = {"content-type": "application/json", "user-agent": "mall-dispatch/1"}
        headers |= _signed(payload.key, content, endpoint)
        try:
            status, response_headers, response_body = await self._post(parts, url, headers, content)
        except egress.EgressRefusedError as error:
            raise TransportError(str(error), hold=True) from error
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as error:
            raise TransportError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error
        return _interpret(status, response_headers, response_body, _found_ack(response_body, payload.key, endpoint))

    async def try_out(self, endpoint: Endpoint) -> str:
        key = make_key(new_root(datetime.now(UTC)), 1)
        vendor = endpoint.keys[0].vendor if endpoint.keys else ""
        body = json.dumps({"v": 1, "action": "test", "key": key, "vendor": vendor}).encode()
        result = await self.send(DispatchPayload(key, body, "", 1), endpoint)
        if result.acked:
            return f"It took the test ({result.code}) and acknowledged it."
        return f"It took the test ({result.code}) without the acknowledgement of this route; orders would wait for it."

    async def _post(
        self, parts: SplitResult, url: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        pool = self._pool(f"{parts.scheme}://{parts.netloc}")
        async with pool.stream("POST", url, headers=list(headers.items()), content=body) as response:
            response_body = await _read_limited(response.aiter_stream())
            found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return response.status, found, response_body

    def _pool(self, origin: str) -> httpcore2.AsyncConnectionPool:
        if origin not in self.pools and len(self.pools) >= MOST_POOLS:
            self.pools = {name: pool for name, pool in self.pools.items() if pool.connections}
        if origin not in self.pools:
            self.pools[origin] = httpcore2.AsyncConnectionPool(
                network_backend=GuardedBackend(),
                max_keepalive_connections=self.in_flight,
                keepalive_expiry=KEEP_SECONDS,
            )
        return self.pools[origin]

    async def close(self) -> None:
        for pool in self.pools.values():
            await pool.aclose()


def _validate_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TransportError(f"{url!r} is no address: {error}.", hold=True) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise TransportError(f"{url!r} is no address; give http://… or https://… with a host.", hold=True)
    if parts.username is not None:
        raise TransportError("The address holds a user name; the signature proves who sends.", hold=True)
    if not url.isascii():
        raise TransportError(f"{url!r} holds letters outside ASCII; save the route anew.", hold=True)
    return parts


def _signed(key: str, content: bytes, endpoint: Endpoint) -> dict[str, str]:
    secrets = [endpoint.required("secret"), endpoint.secrets.get("previous_secret", "")]
    try:
        return signatures.headers(
            secrets=[secret for secret in secrets if secret],
            key=key,
            timestamp=int(time.time()),  # the time of the attempt: the receiver compares it with its own clock
            body=content,
        )
    except ValueError as error:
        raise TransportError(str(error), hold=True) from error


async def _read_limited(chunks: AsyncIterable[bytes]) -> bytes:
    """Return the first 64 kB of a response; an acknowledgement needs no more."""
    response_body = bytearray()
    async for chunk in chunks:
        response_body += chunk
        if len(response_body) >= MAX_RESPONSE_BYTES:
            break
    return bytes(response_body[:MAX_RESPONSE_BYTES])


def _interpret(status: int, headers: dict[str, str], response_body: bytes, ack: FoundAck | None) -> SendResult:
    text = response_body[:RESPONSE_MAX].decode("utf-8", "replace").replace("\0", "")
    if 200 <= status < 300 or (status == 409 and ack):
        outcome = ack.outcome if ack else ""
        return SendResult(acked=ack is not None, code=str(status), response=text, outcome=outcome)
    if status in HOLDS:
        raise TransportError(f"The department's server {HOLDS[status]} ({status}).", hold=True, code=str(status))
    if status in REFUSALS:
        raise TransportError(f"Refused ({status}): {text}", permanent=True, code=str(status))
    raise TransportError(f"Answered {status}: {text}", retry_after=_retry_after(headers), code=str(status))


def _found_ack(response_body: bytes, key: str, endpoint: Endpoint) -> FoundAck | None:
    """Return the acknowledgement of this key in an answer, signed where the route asks for that.

    With a call-back the answer only says that the request was taken.
    """
    if endpoint.ack_policy == AckPolicy.CALLBACK:
        return None
    try:
        document = envelope.load_object(response_body)
    except envelope.ForgedDocumentError:
        return None
    if endpoint.ack_policy == AckPolicy.SIGNED:
        return endpoint.find_receipt(str(document.get("receipt")).encode(), key)
    found = FoundAck.parse(document)
    return found if found.key == key else None


def _retry_after(headers: dict[str, str]) -> timedelta | None:
    """Return the Retry-After of a response, seconds or a date (RFC 9110, 10.2.3); None for any other text."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 9:
        return timedelta(seconds=int(value))
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)


class GuardedBackend(httpcore2.AnyIOBackend):
    """Connects through the egress guard."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        last: Exception = egress.EgressRefusedError(f"{host!r} has no address.")
        for address in await egress.addresses_of(host, port):
            try:
                return await super().connect_tcp(str(address), port, egress.DIAL_SECONDS, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last

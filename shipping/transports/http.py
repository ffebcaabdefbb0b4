"""A signed HTTP request to the department's own server."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

import httpcore2

from shipping import egress, signatures
from shipping.transports.base import RESPONSE_MAX, DispatchPayload, Endpoint, SendResult, TransportError

if TYPE_CHECKING:
    import ssl

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 20.0
MAX_RESPONSE_BYTES = 64 * 1024

REFUSALS = frozenset({400, 404, 405, 413, 415, 422})
HOLDS = {
    401: "does not accept our signature",
    403: "forbids the delivery",
    410: "is closed for good",
}


class HttpTransport:
    """Sends by Standard Webhooks through the egress guard; no redirects, no proxies of the environment."""

    def send(self, payload: DispatchPayload, endpoint: Endpoint) -> SendResult:
        url = endpoint.required("url")
        _validate_url(url)
        headers = {"content-type": "application/json", "user-agent": "mall-dispatch/1"} | _signed(payload, endpoint)
        try:
            status, response_headers, response_body = _post(url, headers, payload.body)
        except egress.EgressRefusedError as error:
            raise TransportError(str(error), hold=True) from error
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as error:
            raise TransportError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error
        return _interpret(status, response_headers, response_body, payload.key)


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
    return parts


def _signed(payload: DispatchPayload, endpoint: Endpoint) -> dict[str, str]:
    secrets = [endpoint.required("secret"), endpoint.secrets.get("previous_secret", "")]
    try:
        return signatures.headers(
            secrets=[secret for secret in secrets if secret],
            key=payload.key,
            timestamp=int(time.time()),  # the time of the attempt: the receiver compares it with its own clock
            body=payload.body,
        )
    except ValueError as error:
        raise TransportError(str(error), hold=True) from error


def _post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    backend = GuardedBackend(time.monotonic() + TOTAL_SECONDS)
    timeouts = {"connect": CONNECT_SECONDS, "read": TOTAL_SECONDS, "write": TOTAL_SECONDS, "pool": CONNECT_SECONDS}
    with (
        httpcore2.ConnectionPool(network_backend=backend) as pool,
        pool.stream(
            "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": timeouts}
        ) as response,
    ):
        response_body = _read_limited(response.iter_stream())
        found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return response.status, found, response_body


def _read_limited(chunks: Iterable[bytes]) -> bytes:
    """Return the first 64 kB of a response; an acknowledgement needs no more."""
    response_body = bytearray()
    for chunk in chunks:
        response_body += chunk
        if len(response_body) >= MAX_RESPONSE_BYTES:
            break
    return bytes(response_body[:MAX_RESPONSE_BYTES])


def _interpret(status: int, headers: dict[str, str], response_body: bytes, key: str) -> SendResult:
    text = response_body[:RESPONSE_MAX].decode("utf-8", "replace").replace("\0", "")
    if 200 <= status < 300 or (status == 409 and _names_key(response_body, key)):
        return SendResult(acked=_names_key(response_body, key), code=str(status), response=text)
    if status in HOLDS:
        raise TransportError(f"The department's server {HOLDS[status]} ({status}).", hold=True, code=str(status))
    if status in REFUSALS:
        raise TransportError(f"Refused ({status}): {text}", permanent=True, code=str(status))
    raise TransportError(f"Answered {status}: {text}", retry_after=_retry_after(headers), code=str(status))


def _names_key(response_body: bytes, key: str) -> bool:
    try:
        document = json.loads(response_body)
    except ValueError:  # also bytes that are not UTF-8
        return False
    return isinstance(document, dict) and document.get("ack") == key


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


class GuardedBackend(httpcore2.SyncBackend):
    """Connects through the egress guard and ends the exchange at one deadline, however slowly bytes drip."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        last: Exception = egress.EgressRefusedError(f"{host!r} has no address.")
        for address in egress.addresses_of(host, port):
            try:
                stream = super().connect_tcp(str(address), port, timeout, local_address, socket_options or [])
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
            else:
                return DeadlineStream(stream, self.deadline)
        raise last


class DeadlineStream(httpcore2.NetworkStream):
    """A stream whose every wait ends at one deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self.stream = stream
        self.deadline = deadline

    def remaining(self, timeout: float | None) -> float:
        """Return the seconds until the deadline, at most ``timeout``; raise ReadTimeout after it."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout(f"No whole answer within {TOTAL_SECONDS:.0f} seconds.")
        return left if timeout is None else min(timeout, left)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, self.remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self.remaining(timeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return DeadlineStream(
            self.stream.start_tls(ssl_context, server_hostname, self.remaining(timeout)), self.deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)

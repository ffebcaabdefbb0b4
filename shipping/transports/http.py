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
from shipping.transports.contract import ANSWER_MAX, Endpoint, Evidence, Shipment, TransportError

if TYPE_CHECKING:
    import ssl

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 20.0
MAX_ANSWER = 64 * 1024

REFUSALS = frozenset({400, 404, 405, 413, 415, 422})
HOLDS = {
    401: "does not accept our signature",
    403: "forbids the delivery",
    410: "is closed for good",
}


class Http:
    """Standard Webhooks over the egress guard; no redirects, no proxies of the environment."""

    def send(self, shipment: Shipment, endpoint: Endpoint) -> Evidence:
        url = endpoint.required("url")
        _checked(url)
        headers = {"content-type": "application/json", "user-agent": "mall-dispatch/1"} | _signed(shipment, endpoint)
        try:
            status, answer_headers, answer = _post(url, headers, shipment.body)
        except egress.Refused as error:
            raise TransportError(str(error), hold=True) from error
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as error:
            raise TransportError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error
        return _judge(status, answer_headers, answer, shipment.key)


def _checked(url: str) -> SplitResult:
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


def _signed(shipment: Shipment, endpoint: Endpoint) -> dict[str, str]:
    secrets = [endpoint.required("secret"), endpoint.secrets.get("previous_secret", "")]
    try:
        return signatures.headers(
            secrets=[secret for secret in secrets if secret],
            key=shipment.key,
            timestamp=int(time.time()),  # the time of the attempt: the receiver compares it with its own clock
            body=shipment.body,
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
        answer = _bounded(response.iter_stream())
        found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return response.status, found, answer


def _bounded(chunks: Iterable[bytes]) -> bytes:
    """The first 64 kB of an answer; nobody needs more to say that they have it."""
    answer = bytearray()
    for chunk in chunks:
        answer += chunk
        if len(answer) >= MAX_ANSWER:
            break
    return bytes(answer[:MAX_ANSWER])


def _judge(status: int, headers: dict[str, str], answer: bytes, key: str) -> Evidence:
    text = answer[:ANSWER_MAX].decode("utf-8", "replace").replace("\0", "")
    if 200 <= status < 300 or (status == 409 and _acks(answer, key)):
        return Evidence(acked=_acks(answer, key), code=str(status), answer=text)
    if status in HOLDS:
        raise TransportError(f"The department's server {HOLDS[status]} ({status}).", hold=True, code=str(status))
    if status in REFUSALS:
        raise TransportError(f"Refused ({status}): {text}", permanent=True, code=str(status))
    raise TransportError(f"Answered {status}: {text}", retry_after=_retry_after(headers), code=str(status))


def _acks(answer: bytes, key: str) -> bool:
    try:
        said = json.loads(answer)
    except ValueError:  # also what is not UTF-8
        return False
    return isinstance(said, dict) and said.get("ack") == key


def _retry_after(headers: dict[str, str]) -> timedelta | None:
    """Seconds or a date (RFC 9110, 10.2.3); what is neither is not there."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 9:
        return timedelta(seconds=int(value))
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)


class GuardedBackend(httpcore2.SyncBackend):
    """Dials through the egress guard, and ends the whole exchange at one deadline, however slowly bytes drip."""

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
        last: Exception = egress.Refused(f"{host!r} has no address.")
        for address in egress.addresses_of(host, port):
            try:
                stream = super().connect_tcp(str(address), port, timeout, local_address, socket_options or [])
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
            else:
                return DeadlineStream(stream, self.deadline)
        raise last


class DeadlineStream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self.stream = stream
        self.deadline = deadline

    def left(self, timeout: float | None) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout(f"No whole answer within {TOTAL_SECONDS:.0f} seconds.")
        return left if timeout is None else min(timeout, left)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, self.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self.left(timeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return DeadlineStream(self.stream.start_tls(ssl_context, server_hostname, self.left(timeout)), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)

"""A file pushed to the department's SFTP server: never seen half written, never over another file."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Coroutine
from typing import Any, cast

import asyncssh

from shipping import egress
from shipping.keys import file_name
from shipping.transports.base import DispatchPayload, Endpoint, SendResult, TransportError

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 25.0
FOLDER = re.compile(r"/?[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
DONE = "done"


class SftpTransport:
    """Uploads under a temporary name, verifies the size, then renames. The host key is pinned on the route.

    The department acknowledges by a file ``<name>.ack`` beside the file, or by moving the file to ``done/``.
    """

    def send(self, payload: DispatchPayload, endpoint: Endpoint) -> SendResult:
        return asyncio.run(_translate_errors(_upload(payload, endpoint)))

    def fetch_acks(self, payloads: list[DispatchPayload], endpoint: Endpoint) -> list[str]:
        return asyncio.run(_translate_errors(_fetch_acks(payloads, endpoint)))


async def _translate_errors[Result](work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` within the time-out; raise each failure of network or server as a TransportError."""
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            return await work
    except asyncssh.HostKeyNotVerifiable as error:
        raise TransportError(
            f"The server shows another host key than the route's; nothing was sent. {error}", hold=True
        ) from error
    except asyncssh.PermissionDenied as error:
        raise TransportError(f"The server refuses the sign-in: {error}", hold=True) from error
    except egress.EgressRefusedError as error:
        raise TransportError(str(error), hold=True) from error
    except TimeoutError as error:
        raise TransportError(f"Not done within {TOTAL_SECONDS:.0f} seconds.", code="timeout") from error
    except (asyncssh.Error, OSError) as error:
        raise TransportError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error


@contextlib.asynccontextmanager
async def _session(endpoint: Endpoint) -> AsyncIterator[asyncssh.SFTPClient]:
    host, port = endpoint.required("host"), endpoint.number("port", 22)
    credentials, host_key = _credentials(endpoint), _host_key(endpoint)
    sock = await asyncio.to_thread(egress.dial, host, port, CONNECT_SECONDS)
    sock.setblocking(False)  # noqa: FBT003 -- the standard library's only spelling
    with contextlib.closing(sock):  # asyncssh leaves it open where the handshake breaks off
        connection = await asyncssh.connect(
            host,
            port,
            sock=sock,
            username=endpoint.required("user"),
            known_hosts=([host_key], [], []),
            config=None,  # the machine's own ssh settings and agent have no say here
            agent_path=None,
            **credentials,
        )
        async with connection, connection.start_sftp_client() as client:
            yield client


def _host_key(endpoint: Endpoint) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_public_key(endpoint.required("host_key"))
    except asyncssh.KeyImportError as error:
        raise TransportError(f"The route's host key cannot be read: {error}", hold=True) from error


def _credentials(endpoint: Endpoint) -> dict[str, object]:
    private_key = endpoint.secrets.get("private_key")
    if not private_key:
        return {"password": endpoint.required("password"), "client_keys": None}
    try:
        return {"client_keys": [asyncssh.import_private_key(private_key)]}
    except asyncssh.KeyImportError as error:
        raise TransportError(f"The route's private key cannot be read: {error}", hold=True) from error


def _folder(endpoint: Endpoint) -> str:
    folder = endpoint.text("folder", "inbox")
    if not FOLDER.fullmatch(folder):
        raise TransportError(f"The folder {folder!r} holds more than letters, digits, - and _.", hold=True)
    return folder


async def _upload(payload: DispatchPayload, endpoint: Endpoint) -> SendResult:
    folder, name = _folder(endpoint), file_name(payload.key, payload.sha256)
    final = f"{folder}/{name}"
    async with _session(endpoint) as client:
        if await client.exists(f"{final}.ack") or await client.exists(f"{folder}/{DONE}/{name}"):
            return SendResult(acked=True, code="done", response=f"{name} was received before.")
        if await client.exists(final):  # the response to an earlier rename was lost
            return await _compare(client, final, payload)
        await _write(client, f"{folder}/.{name}.{payload.attempt}.part", final, payload.body)
    return SendResult(acked=False, code="renamed", response=final)


async def _write(client: asyncssh.SFTPClient, part: str, final: str, body: bytes) -> None:
    async with client.open(part, "wb") as file:
        await file.write(body)
    size = (await client.stat(part)).size
    if size != len(body):
        raise TransportError(f"{part} holds {size} of {len(body)} bytes.", code="size")
    try:
        await client.posix_rename(part, final)
    except asyncssh.SFTPOpUnsupported:
        await client.rename(part, final)  # version 3 of the protocol: fails where the name is taken, as we want


async def _compare(client: asyncssh.SFTPClient, final: str, payload: DispatchPayload) -> SendResult:
    async with client.open(final, "rb") as file:
        there = cast("bytes", await file.read(len(payload.body) + 1))
    if there != payload.body:
        raise TransportError(f"{final} holds something else; it was not touched.", permanent=True, code="conflict")
    return SendResult(acked=False, code="there", response=f"{final} was there already, the same byte for byte.")


async def _fetch_acks(payloads: list[DispatchPayload], endpoint: Endpoint) -> list[str]:
    folder = _folder(endpoint)
    async with _session(endpoint) as client:
        names = {str(name) for name in await client.listdir(folder)}
        done = {str(name) for name in await client.listdir(f"{folder}/{DONE}")} if DONE in names else set()
    found = done | {name.removesuffix(".ack") for name in names if name.endswith(".ack")}
    return [payload.key for payload in payloads if file_name(payload.key, payload.sha256) in found]

"""A file pushed to the department's SFTP server: never seen half written, never over another file."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, cast

import asyncssh
from django import forms

from shipping import egress, envelope
from shipping.keys import file_name
from shipping.transports import fields
from shipping.transports.base import (
    AckPolicy,
    CollectingTransport,
    DispatchPayload,
    Endpoint,
    FoundAck,
    RouteSettings,
    SendResult,
    SentFile,
    TransportError,
)

DONE = "done"
PARTS = 10  # earlier attempts whose left-over temporary files are removed
LOOKS_AT_ONCE = 32
RECEIPT_BYTES = 16 * 1024


class SftpSettings(RouteSettings):
    host = fields.HostField(label="Server", help_text="Its name: files.example.org.")
    port = fields.PortField(required=False, help_text="22 where it is left empty.")
    user = forms.CharField(label="User")
    host_key = fields.HostKeyField(
        label="Host key",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="The server's public key, one line: ssh-ed25519 AAAA… One that shows another gets nothing.",
    )
    folder = fields.FolderField(
        required=False,
        help_text="Where files are put: inbox where it is left empty. Files moved to done/ in it are acknowledged.",
    )
    password = fields.SecretField(label="Password", help_text="Or a private key.")
    private_key = fields.PrivateKeyField(label="Private key", help_text="Of OpenSSH, without a passphrase.")
    secrets = ("password", "private_key")

    @classmethod
    def complaints(cls, values: dict[str, Any], secrets: set[str]) -> dict[str, str]:
        return {} if secrets else {"password": "Give a password or a private key."}

    @classmethod
    def merge_secrets(cls, stored: dict[str, str], given: dict[str, str]) -> dict[str, str]:
        """Keep none of the old: a key replaces a password."""
        return given


class SftpTransport(CollectingTransport):
    """Uploads under a temporary name, verifies the size, then renames. The host key is pinned on the route.

    The department acknowledges by a file ``<name>.ack`` beside the file or in ``done/``, or by moving the file to
    ``done/``: who can write there has signed in at the server whose host key is pinned. A signed receipt in the
    ``.ack`` file also holds where others can write there.
    """

    label = "file by SFTP"
    description = (
        "The department's program takes files from a folder of its server; a file moved to done/ is acknowledged."
    )
    settings = SftpSettings
    ack_policies = (AckPolicy.FILE, AckPolicy.SIGNED, AckPolicy.ANSWER)
    deadline = timedelta(seconds=25)
    in_flight = 2

    async def send(self, payload: DispatchPayload, endpoint: Endpoint) -> SendResult:
        folder, name = _folder(endpoint), file_name(payload.key, payload.sha256)
        content = endpoint.seal(payload.body)
        async with _session(endpoint) as client:
            await _remove_parts(client, folder, name, payload.attempt)
            found = await _find_ack(client, folder, SentFile(payload.key, payload.sha256), endpoint)
            if found:
                response = f"{name} was received before."
                return SendResult(acked=True, code="done", response=response, outcome=found.outcome)
            if await client.exists(f"{folder}/{name}"):  # the response to an earlier rename was lost
                there = await _read(client, f"{folder}/{name}", envelope.MAX_BYTES)
                if there == content or envelope.unverified_payload(there) != payload.body:
                    return _judge(f"{folder}/{name}", there, content)
                await client.remove(f"{folder}/{name}")  # the same order under keys that sign no more
            return await _write(client, _part(folder, name, payload.attempt), f"{folder}/{name}", content)

    async def try_out(self, endpoint: Endpoint) -> str:
        folder = _folder(endpoint)
        async with _session(endpoint) as client:
            name = f"{folder}/.mall_test.part"
            await _put(client, name, b"test")
            await client.remove(name)
            done = await client.isdir(f"{folder}/{DONE}")
        words = "" if done else f" There is no folder {DONE}/ in it; files are acknowledged by moving them there."
        return f"Signed in, wrote a file in {folder}/ and removed it.{words}"

    async def collect(self, sent: Sequence[SentFile], endpoint: Endpoint) -> list[FoundAck]:
        """Ask for each file by its name: a list of ``done/`` grows for ever."""
        folder = _folder(endpoint)
        async with _session(endpoint) as client:
            turn = asyncio.Semaphore(LOOKS_AT_ONCE)

            async def look(file: SentFile) -> FoundAck | None:
                async with turn:
                    return await _find_ack(client, folder, file, endpoint)

            return [found for found in await asyncio.gather(*map(look, sent)) if found]


@contextlib.asynccontextmanager
async def _session(endpoint: Endpoint) -> AsyncIterator[asyncssh.SFTPClient]:
    """Sign in; raise each failure of network or server as a TransportError."""
    try:
        async with _connection(endpoint) as connection, connection.start_sftp_client() as client:
            yield client
    except asyncssh.HostKeyNotVerifiable as error:
        raise TransportError(
            f"The server shows another host key than the route's; nothing was sent. {error}", hold=True
        ) from error
    except asyncssh.PermissionDenied as error:
        raise TransportError(f"The server refuses the sign-in: {error}", hold=True) from error
    except egress.EgressRefusedError as error:
        raise TransportError(str(error), hold=True) from error
    except (asyncssh.Error, OSError) as error:
        raise TransportError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error


@contextlib.asynccontextmanager
async def _connection(endpoint: Endpoint) -> AsyncIterator[asyncssh.SSHClientConnection]:
    host, port = endpoint.required("host"), endpoint.number("port", 22)
    credentials, host_key = _credentials(endpoint), _host_key(endpoint)
    sock = await egress.dial(host, port)
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
        try:
            yield connection
        finally:
            connection.abort()  # not close(), which waits for the other side


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
    if not fields.FOLDER.fullmatch(folder):
        raise TransportError(f"The folder {folder!r} holds more than letters, digits, - and _.", hold=True)
    return folder


def _part(folder: str, name: str, attempt: int) -> str:
    return f"{folder}/.{name}.{attempt}.part"


async def _remove_parts(client: asyncssh.SFTPClient, folder: str, name: str, attempt: int) -> None:
    """Remove what earlier attempts left when they were cut off. One that still writes fails at its rename."""
    for earlier in range(max(1, attempt - PARTS), attempt):
        with contextlib.suppress(asyncssh.SFTPNoSuchFile):
            await client.remove(_part(folder, name, earlier))


async def _write(client: asyncssh.SFTPClient, part: str, final: str, body: bytes) -> SendResult:
    try:
        await _put(client, part, body)
        # Not posix_rename, which replaces a file that came by that name meanwhile; this one then fails.
        await client.rename(part, final)
    except (asyncssh.SFTPError, TransportError):
        with contextlib.suppress(asyncssh.SFTPError):
            await client.remove(part)
        if await client.exists(final):
            return _judge(final, await _read(client, final, len(body)), body)
        raise
    return SendResult(acked=False, code="renamed", response=final)


async def _put(client: asyncssh.SFTPClient, part: str, body: bytes) -> None:
    async with client.open(part, "wb") as file:
        await file.write(body)
    size = (await client.stat(part)).size
    if size != len(body):
        raise TransportError(f"{part} holds {size} of {len(body)} bytes.", code="size")


async def _find_ack(client: asyncssh.SFTPClient, folder: str, sent: SentFile, endpoint: Endpoint) -> FoundAck | None:
    """Return the acknowledgement of a file as the route expects it."""
    name = file_name(sent.key, sent.sha256)
    is_signed = endpoint.ack_policy == AckPolicy.SIGNED
    for place in (f"{folder}/{DONE}/{name}.ack", f"{folder}/{name}.ack"):
        try:
            content = await _read(client, place, RECEIPT_BYTES)
        except asyncssh.SFTPNoSuchFile:
            continue
        except (asyncssh.SFTPFailure, asyncssh.SFTPPermissionDenied):
            content = b""  # it is there
        found = endpoint.find_receipt(content, sent.key)
        if found or not is_signed:
            return found or FoundAck(sent.key)
    return None if is_signed or not await client.exists(f"{folder}/{DONE}/{name}") else FoundAck(sent.key)


async def _read(client: asyncssh.SFTPClient, path: str, limit: int) -> bytes:
    """Return a file's content, cut one byte beyond the limit."""
    async with client.open(path, "rb") as file:
        return cast("bytes", await file.read(limit + 1))


def _judge(final: str, there: bytes, body: bytes) -> SendResult:
    if there != body:
        raise TransportError(f"{final} holds something else; it was not touched.", permanent=True, code="conflict")
    return SendResult(acked=False, code="there", response=f"{final} was there already, the same byte for byte.")

"""Files over SFTP, to the server whose host key is pinned."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import asyncssh
from django import forms

from shipping import egress
from shipping.transports import fields
from shipping.transports.base import Endpoint, TransportError
from shipping.transports.files.folder import FolderSettings, FolderTransport, RemoteFolder


class SftpSettings(FolderSettings):
    host = fields.HostField(label="Server", help_text="Its name: files.example.org.")
    port = fields.PortField(required=False, help_text="22 where it is left empty.")
    user = forms.CharField(label="User")
    host_key = fields.HostKeyField(
        label="Host key",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="The server's public key, one line: ssh-ed25519 AAAA… One that shows another gets nothing.",
    )
    password = fields.SecretField(label="Password", help_text="Or a private key.")
    private_key = fields.PrivateKeyField(label="Private key", help_text="Of OpenSSH, without a passphrase.")
    field_order = ("host", "port", "user", "host_key", "password", "private_key", *FolderSettings.base_fields)
    secrets = ("password", "private_key")

    @classmethod
    def complaints(cls, values: dict[str, Any], secrets: set[str]) -> dict[str, str]:
        return {} if secrets else {"password": "Give a password or a private key."}

    @classmethod
    def merge_secrets(cls, stored: dict[str, str], given: dict[str, str]) -> dict[str, str]:
        """Keep none of the old: a key replaces a password."""
        return given


class SftpTransport(FolderTransport):
    """Puts files by SFTP. The host key is pinned on the route."""

    label = "file by SFTP"
    description = (
        "The department's program takes files from a folder of its server; a file moved to done/ is acknowledged."
    )
    settings = SftpSettings
    looks_at_once = 32

    def session(self, endpoint: Endpoint) -> contextlib.AbstractAsyncContextManager[RemoteFolder]:
        return _session(endpoint)


class SftpFolder(RemoteFolder):
    """The folder in a session of asyncssh."""

    def __init__(self, client: asyncssh.SFTPClient) -> None:
        self.client = client

    async def read(self, path: str, limit: int) -> bytes | None:
        try:
            async with self.client.open(path, "rb") as file:
                return cast("bytes", await file.read(limit + 1))
        except asyncssh.SFTPNoSuchFile:
            return None
        except (asyncssh.SFTPFailure, asyncssh.SFTPPermissionDenied):
            return b""  # it is there

    async def exists(self, path: str) -> bool:
        return await self.client.exists(path)

    async def write(self, path: str, content: bytes) -> int:
        with _failures():
            async with self.client.open(path, "wb") as file:
                await file.write(content)
            return cast("int", (await self.client.stat(path)).size)

    async def rename(self, path: str, to: str) -> None:
        with _failures():
            # Not posix_rename, which replaces a file that came by that name meanwhile; this one then fails.
            await self.client.rename(path, to)

    async def remove(self, path: str) -> None:
        with _failures(), contextlib.suppress(asyncssh.SFTPNoSuchFile):
            await self.client.remove(path)


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """Raise a server's refusal as a TransportError, after which the session goes on."""
    try:
        yield
    except asyncssh.SFTPError as error:
        raise TransportError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error


@contextlib.asynccontextmanager
async def _session(endpoint: Endpoint) -> AsyncIterator[RemoteFolder]:
    try:
        async with _connection(endpoint) as connection, connection.start_sftp_client() as client:
            yield SftpFolder(client)
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

"""Files over FTP, encrypted (explicit TLS) or in the clear, by the standard library's client in threads."""

from __future__ import annotations

import contextlib
import ftplib
import io
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar

from django import forms

from shipping import egress
from shipping.threads import run_abandonable
from shipping.transports import fields
from shipping.transports.base import Endpoint, TransportError
from shipping.transports.files.folder import FolderSettings, FolderTransport, RemoteFolder

SILENCE = 15.0
"""Seconds of a silent server after which a call in its thread ends, though nobody waits for it any more."""
NOT_THERE = "550"
NO_SIGN_IN = frozenset({"530", "532"})
CLEAR = "Orders and the password travel unencrypted, so anybody on the way reads them; the signature still holds."


class FtpsSettings(FolderSettings):
    host = fields.HostField(label="Server", help_text="Its name: files.example.org. Its certificate must prove it.")
    port = fields.PortField(required=False, help_text="21 where it is left empty.")
    user = forms.CharField(label="User")
    password = fields.SecretField(label="Password")
    field_order = ("host", "port", "user", "password", *FolderSettings.base_fields)
    secrets = ("password",)


class FtpSettings(FtpsSettings):
    host = fields.HostField(label="Server", help_text="Its name: files.example.org.")
    in_clear = forms.BooleanField(
        label="Send in the clear", help_text=f"{CLEAR} Choose FTPS or SFTP where the server has them."
    )
    field_order = ("host", "port", "user", "password", "in_clear", *FolderSettings.base_fields)


class FtpsTransport(FolderTransport):
    """Puts files by FTP over TLS, data too; the certificate must prove the server's name."""

    label = "file by FTPS"
    description = "As by SFTP, to a server that speaks FTP over TLS (AUTH TLS) and has a valid certificate."
    settings = FtpsSettings
    most_files = 100  # three questions each, one after another
    is_encrypted: ClassVar[bool] = True

    def session(self, endpoint: Endpoint) -> contextlib.AbstractAsyncContextManager[RemoteFolder]:
        return _session(endpoint, encrypted=self.is_encrypted)


class FtpTransport(FtpsTransport):
    """Puts files by FTP in the clear."""

    label = "file by FTP, unencrypted"
    description = f"For a server of long ago, that speaks nothing else. {CLEAR}"
    settings = FtpSettings
    is_encrypted = False


class FtpFolder(RemoteFolder):
    """The folder in a session of ftplib; each call runs in a thread, one after another."""

    def __init__(self, client: DialledFtp) -> None:
        self.client = client

    async def read(self, path: str, limit: int) -> bytes | None:
        return await _call(self._read, path, limit)

    async def exists(self, path: str) -> bool:
        """Ask for the size of a file; a folder has none, so it is entered."""
        return await _call(self._exists, path)

    async def write(self, path: str, content: bytes) -> int:
        return await _call(self._write, path, content)

    async def rename(self, path: str, to: str) -> None:
        """Rename where the name is free: FTP would overwrite, and has no command that does not.

        The name is made of this dispatch's key and digest, so another program has no reason to take it in between.
        """
        if await self.exists(to):
            raise TransportError(f"{to} came meanwhile.", code="taken")
        await _call(self.client.rename, path, to)

    async def remove(self, path: str) -> None:
        await _call(self._remove, path)

    def _read(self, path: str, limit: int) -> bytes | None:
        content = bytearray()
        try:
            with self.client.transfercmd(f"RETR {path}") as data:
                while len(content) <= limit and (block := data.recv(limit + 1 - len(content))):
                    content += block
                _end_tls(data)
            self._finish(cut=len(content) > limit)
        except ftplib.error_perm as error:
            if str(error).startswith(NOT_THERE):
                return None
            raise
        return bytes(content)

    def _finish(self, *, cut: bool) -> None:
        """Read the answer that ends a transfer; an error where we cut it off."""
        try:
            self.client.voidresp()
        except (ftplib.error_temp, ftplib.error_perm):
            if not cut:
                raise

    def _exists(self, path: str) -> bool:
        try:
            if self.client.size(path) is not None:
                return True
        except ftplib.error_perm as error:
            if not str(error).startswith(NOT_THERE):
                raise
        here = self.client.pwd()
        try:
            self.client.cwd(path)
        except ftplib.error_perm:
            return False
        self.client.cwd(here)
        return True

    def _write(self, path: str, content: bytes) -> int:
        self.client.storbinary(f"STOR {path}", io.BytesIO(content))
        return self.client.size(path) or 0

    def _remove(self, path: str) -> None:
        try:
            self.client.delete(path)
        except ftplib.error_perm as error:
            if not str(error).startswith(NOT_THERE):
                raise


class DialledFtp(ftplib.FTP_TLS):
    """A client on a connection that the egress guard made; its data connections go to that very address."""

    trust_server_pasv_ipv4_address = False

    def __init__(self, host: str, connection: socket.socket) -> None:
        super().__init__(context=ssl.create_default_context(), timeout=SILENCE)
        connection.setblocking(True)  # noqa: FBT003 -- the standard library's only spelling
        connection.settimeout(SILENCE)
        self.host, self.sock, self.af = host, connection, connection.family
        self.file = connection.makefile("r", encoding=self.encoding)

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """Open a data connection in the session of the first one: many servers refuse another (ftplib has no way)."""
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 -- of its TLS class
        if self._prot_p and isinstance(self.sock, ssl.SSLSocket):  # type: ignore[attr-defined]  # of FTP_TLS
            connection = self.context.wrap_socket(connection, server_hostname=self.host, session=self.sock.session)
        return connection, size


def _end_tls(data: socket.socket) -> None:
    if isinstance(data, ssl.SSLSocket):
        with contextlib.suppress(OSError):
            data.unwrap()


async def _call[Result](call: Callable[..., Result], *arguments: Any) -> Result:
    """Do a step in a thread; raise the server's refusal as a TransportError."""
    try:
        return await run_abandonable(call, *arguments)
    except ftplib.error_perm as error:
        raise _refusal(error) from error
    except (ftplib.Error, EOFError, OSError) as error:
        raise TransportError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error


def _refusal(error: ftplib.error_perm) -> TransportError:
    code = str(error)[:3]
    if code in NO_SIGN_IN:
        return TransportError(f"The server refuses the sign-in: {error}", hold=True, code=code)
    return TransportError(f"The server refuses: {error}", code=code)


@contextlib.asynccontextmanager
async def _session(endpoint: Endpoint, *, encrypted: bool) -> AsyncIterator[RemoteFolder]:
    host = endpoint.required("host")
    try:
        connection = await egress.dial(host, endpoint.number("port", 21))
    except egress.EgressRefusedError as error:
        raise TransportError(str(error), hold=True) from error
    except OSError as error:
        raise TransportError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error
    client = DialledFtp(host, connection)
    try:
        await _sign_in(client, endpoint, encrypted=encrypted)
        yield FtpFolder(client)
    finally:
        _hang_up(client)


async def _sign_in(client: DialledFtp, endpoint: Endpoint, *, encrypted: bool) -> None:
    try:
        await _call(_greet, client, endpoint.required("user"), endpoint.required("password"), encrypted)
    except TransportError as error:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise TransportError(f"The server's certificate does not prove its name: {error}", hold=True) from error
        raise


def _greet(client: DialledFtp, user: str, password: str, encrypted: bool) -> None:  # noqa: FBT001 -- called in a thread
    client.welcome = client.getresp()
    if encrypted:
        client.auth()
    client.login(user, password, secure=False)  # the handshake is done above, or left out by the route's own choice
    if encrypted:
        client.prot_p()
    client.voidcmd("TYPE I")


def _hang_up(client: DialledFtp) -> None:
    """Close at once, without a word that might be waited for."""
    with contextlib.suppress(OSError):
        if client.sock is not None:
            client.sock.shutdown(socket.SHUT_RDWR)
    client.close()

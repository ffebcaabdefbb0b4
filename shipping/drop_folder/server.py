"""The SFTP server of drop folders: asyncssh's protocol over rows. Every request that it does not know is refused."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import posixpath
import stat
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, Concatenate

import asyncssh
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

from sessions_farm.web import clients
from shipping import rate_limits
from shipping.drop_folder import tree
from shipping.drop_folder.tree import NoSuchPathError, Owner, UploadRefusedError
from shipping.rate_limits import RateLimitedError

logger = logging.getLogger(__name__)

LINE = "drop folder"
LOGIN_SECONDS = 20
IDLE_SECONDS = 60
STOPPED_EVERY = 0.2
"""Seconds between two looks whether to stop."""
MOST_OPEN = 64
"""Files that one session may have open."""
KEPT = frozenset({"exit", "format_user", "format_group", "format_longname", "channel", "connection", "env", "logger"})
"""Names of asyncssh's server that touch no file; all its other public ones are ours, or refused."""


class DropFolderLogin(asyncssh.SSHServer):
    """Signs a department in by the public key of its route; one network may fail a limited number of times."""

    def __init__(self) -> None:
        self.owner: Owner | None = None
        self.key = ""
        self.network = clients.UNKNOWN_NETWORK
        self.shown = ""
        self.has_failed = False
        self.connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connection = conn
        self.network = clients.network_of(str((conn.get_extra_info("peername") or ("",))[0]))

    async def begin_auth(self, username: str) -> bool:
        self.shown = f"sftp {self.network} {username}"
        try:
            found = await _in_thread(self._find_route, username)
        except RateLimitedError as error:
            raise asyncssh.DisconnectError(asyncssh.DISC_TOO_MANY_CONNECTIONS, str(error)) from error
        if found is not None:
            self.owner, self.key = found
            if self.connection is not None:
                self.connection.set_extra_info(owner=self.owner)
        return True

    def _find_route(self, username: str) -> tuple[Owner, str] | None:
        rate_limits.refuse_network(self.network, self.shown)
        return tree.find_route(username)

    def public_key_auth_supported(self) -> bool:
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        del username
        try:
            is_theirs = bool(self.key) and asyncssh.import_public_key(self.key) == key
        except asyncssh.KeyImportError:
            is_theirs = False
        if not is_theirs and not self.has_failed:  # a program may offer each of its keys, which is one failure
            self.has_failed = True
            await _in_thread(rate_limits.record_failure, self.network, self.shown)
        return is_theirs

    def auth_completed(self) -> None:
        rate_limits.record_success(self.shown)


class ReadFile:
    """A file that is being read: its whole content at the opening."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def seek(self, offset: int, whence: int) -> int:
        """Say where data and the next hole are, as asyncssh asks for a client that skips holes: it has none."""
        if offset >= len(self.content):
            raise OSError(errno.ENXIO, "There is nothing behind the end.")
        return len(self.content) if whence == os.SEEK_HOLE else offset


class Upload:
    """A file that a department brings; it counts once it is closed."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.content = bytearray()


class DropFolder(asyncssh.SFTPServer):
    """One session's view of its department's folder."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(channel)
        owner = channel.get_connection().get_extra_info("owner")
        if not isinstance(owner, Owner):
            raise asyncssh.SFTPPermissionDenied("No department signed in.")
        self.owner = owner
        self.files: set[ReadFile | Upload] = set()

    def map_path(self, path: bytes) -> bytes:
        return path

    def realpath(self, path: bytes) -> bytes:
        return _normal(path)

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        folder, name = _split(path)
        if not name:
            return _directory()
        if folder != "inbox":
            raise asyncssh.SFTPNoSuchFile(f"There is no {name} in {folder}/.")
        return _regular(len(await self._read(name)))

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return await self.stat(path)

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return _regular(len(_known(file_obj).content))

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        folder, name = _split(path)
        if name:
            raise asyncssh.SFTPNoSuchFile(f"There is no folder {name}.")
        for each in (b".", b".."):
            yield asyncssh.SFTPName(each, attrs=_directory())
        if not folder:
            for own in tree.FOLDERS:
                yield asyncssh.SFTPName(own.encode(), attrs=_directory())
        if folder == "inbox":
            for file in await self._counted(tree.list_inbox):
                at = int(file.changed_at.timestamp())
                attrs = asyncssh.SFTPAttrs(permissions=stat.S_IFREG | 0o600, mtime=at, atime=at)
                yield asyncssh.SFTPName(file.name.encode(), attrs=attrs)

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        del attrs
        folder, name = _split(path)
        if len(self.files) >= MOST_OPEN or not name:
            raise asyncssh.SFTPFailure("Too many files are open, or it is a folder.")
        file: ReadFile | Upload
        if pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC):
            if folder not in {"ack", "sent"}:
                raise asyncssh.SFTPPermissionDenied("Receipts go to ack/, tracking numbers to sent/.")
            file = Upload(folder)
        elif folder == "inbox":
            file = ReadFile(await self._read(name))
        else:
            raise asyncssh.SFTPNoSuchFile(f"There is no {name} in {folder}/.")
        self.files.add(file)
        return file

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        file = _known(file_obj)
        return bytes(file.content[offset : offset + size])

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        file = _known(file_obj)
        if not isinstance(file, Upload) or offset + len(data) > tree.LARGEST_UPLOAD or offset > len(file.content):
            raise asyncssh.SFTPFailure(f"A file of a department has {tree.LARGEST_UPLOAD} bytes at most.")
        file.content[offset : offset + len(data)] = data
        return len(data)

    async def close(self, file_obj: object) -> None:
        file = _known(file_obj)
        self.files.discard(file)
        if isinstance(file, Upload):
            with _refusals():
                await self._counted(tree.bring, file.folder, bytes(file.content))

    async def remove(self, path: bytes) -> None:
        folder, name = _split(path)
        if folder != "inbox" or not name:
            raise asyncssh.SFTPNoSuchFile("There is no such file.")
        with _refusals():
            await self._counted(tree.remove, name)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Move a file to ack/, which acknowledges it as its removal does."""
        folder, name = _split(newpath)
        if folder != "ack" or not name:
            raise asyncssh.SFTPPermissionDenied("Files of inbox/ are moved to ack/, and nowhere else.")
        await self.remove(oldpath)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        await self.rename(oldpath, newpath)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs, **_: Any) -> None:
        """Take a program's wish to set times, and do nothing: OpenSSH's client says it with each upload."""

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Do nothing, as ``setstat`` does."""

    async def _read(self, name: str) -> bytes:
        with _refusals():
            return await self._counted(tree.read, name)

    async def _counted[**P, R](self, call: Callable[Concatenate[Owner, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a call for this department, if it has not reached its limit; raise SFTPFailure where it has."""
        return await _in_thread(_within_limit, self.owner, partial(call, self.owner, *args, **kwargs))


def _within_limit[R](owner: Owner, call: Callable[[], R]) -> R:
    try:
        rate_limits.count_request(owner.vendor_id, LINE, settings.DROP_FOLDER_REQUESTS_A_MINUTE)
    except RateLimitedError as error:
        raise asyncssh.SFTPFailure(str(error)) from error
    return call()


def _refuse(*_: Any, **__: Any) -> None:
    raise asyncssh.SFTPOpUnsupported("The mall's server has no such request.")


for _name in dir(asyncssh.SFTPServer):
    if not _name.startswith("_") and _name not in KEPT and _name not in vars(DropFolder):
        setattr(DropFolder, _name, _refuse)


class _refusals:  # noqa: N801 -- reads as the statement that it is
    """Raise refusals of rows as SFTP's."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, NoSuchPathError):
            raise asyncssh.SFTPNoSuchFile(f"There is no {error}.") from error
        if isinstance(error, UploadRefusedError):
            raise asyncssh.SFTPFailure(str(error)) from error


def _known(file_obj: object) -> ReadFile | Upload:
    if not isinstance(file_obj, ReadFile | Upload):
        raise asyncssh.SFTPInvalidHandle("There is no such open file.")
    return file_obj


def _normal(path: bytes) -> bytes:
    return posixpath.normpath(b"/" + path.replace(b"//", b"/"))


def _split(path: bytes) -> tuple[str, str]:
    """Return the folder and the file of a path: both empty for the root; raise SFTPNoSuchFile for any other depth."""
    parts = _normal(path).decode("utf-8", "replace").strip("/").split("/")
    if parts == [""]:
        return "", ""
    if parts[0] not in tree.FOLDERS or len(parts) > 2:
        raise asyncssh.SFTPNoSuchFile("There is no such file.")
    return parts[0], parts[1] if len(parts) == 2 else ""


def _directory() -> asyncssh.SFTPAttrs:
    now = int(time.time())
    return asyncssh.SFTPAttrs(permissions=stat.S_IFDIR | 0o700, mtime=now, atime=now)


def _regular(size: int) -> asyncssh.SFTPAttrs:
    now = int(time.time())
    return asyncssh.SFTPAttrs(size=size, permissions=stat.S_IFREG | 0o600, mtime=now, atime=now)


async def _in_thread[**P, R](call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a call that uses the database in the one thread that may."""

    def run() -> R:
        close_old_connections()
        return call(*args, **kwargs)

    return await sync_to_async(run, thread_sensitive=True)()


def ensure_host_key(path: Path, public: Path) -> None:
    """Make the server's host key where there is none, and write its public half."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = asyncssh.generate_private_key("ssh-ed25519")
        path.touch(mode=0o600)
        path.write_bytes(key.export_private_key())
    public.parent.mkdir(parents=True, exist_ok=True)
    public.write_bytes(asyncssh.read_private_key(path).export_public_key())


async def serve(
    *,
    host: str,
    port: int,
    host_key: Path,
    public_key: Path,
    ready: Callable[[int], None],
    is_stopped: Callable[[], bool],
) -> None:
    """Serve drop folders until ``is_stopped``."""
    await asyncio.to_thread(ensure_host_key, host_key, public_key)
    server = await asyncssh.listen(
        host,
        port,
        server_factory=DropFolderLogin,
        server_host_keys=[str(host_key)],
        sftp_factory=DropFolder,
        allow_scp=False,
        login_timeout=LOGIN_SECONDS,
        keepalive_interval=IDLE_SECONDS,
        line_editor=False,
    )
    ready(server.get_port())
    while not is_stopped():  # noqa: ASYNC110 -- a signal sets it, in another thread
        await asyncio.sleep(STOPPED_EVERY)
    server.close()

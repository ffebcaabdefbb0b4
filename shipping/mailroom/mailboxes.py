"""The dispatch mailbox, read by POP3 or IMAP: a few messages at a time, each removed once it was worked.

A look has one deadline, at which its connection is cut, whatever the server does.
"""

from __future__ import annotations

import contextlib
import imaplib
import logging
import poplib
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from imap_tools import BaseMailBox
from imap_tools.errors import ImapToolsError

logger = logging.getLogger(__name__)

SILENCE = 15.0
"""Seconds of a silent server."""
DEADLINE = 60.0
"""Seconds of a whole look."""
MOST = 50
"""Messages of one look."""
LARGEST = 5 * 1024 * 1024
PORTS = {"pop3": 110, "pop3s": 995, "imap": 143, "imaps": 993}

FAILURES = (poplib.error_proto, imaplib.IMAP4.error, ImapToolsError, OSError, EOFError)

REFUSED_ONE = (poplib.error_proto, imaplib.IMAP4.error)

type Work = Callable[[bytes], object]


class MailboxError(OSError):
    """The mailbox cannot be read now."""


@dataclass(frozen=True, slots=True)
class MailboxAddress:
    """The parts of an address such as ``imaps://user:password@host:993``."""

    scheme: str
    host: str
    port: int
    user: str
    password: str

    @classmethod
    def parse(cls, url: str) -> MailboxAddress:
        """Return the parts; raise ValueError for any other text. The message holds no password."""
        parts: SplitResult = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname or not parts.username:
            raise ValueError("DISPATCH_MAILBOX looks like imaps://user:password@host, or pop3s://…")
        port = parts.port or PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname, port, unquote(parts.username), unquote(parts.password or ""))

    @property
    def is_encrypted(self) -> bool:
        return self.scheme.endswith("s")


class OpenMailbox(ABC):
    """A mailbox that is signed in."""

    @abstractmethod
    def sizes(self) -> list[tuple[str, int]]:
        """Return the messages' names with their sizes in bytes, the oldest first."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return a message."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a message; at the latest once the mailbox is closed."""


class Pop3Mailbox(OpenMailbox):
    """A mailbox by POP3; a removal counts after QUIT, and comes again where the connection breaks before."""

    def __init__(self, client: poplib.POP3) -> None:
        self.client = client

    def sizes(self) -> list[tuple[str, int]]:
        return [(number.decode(), int(size)) for number, size in (line.split()[:2] for line in self.client.list()[1])]

    def read(self, name: str) -> bytes:
        return b"\r\n".join(self.client.retr(int(name))[1])

    def remove(self, name: str) -> None:
        self.client.dele(int(name))


class ImapMailbox(OpenMailbox):
    """A mailbox by IMAP."""

    def __init__(self, client: BaseMailBox) -> None:
        self.client = client

    def sizes(self) -> list[tuple[str, int]]:
        found = self.client.fetch(headers_only=True, mark_seen=False, limit=MOST, bulk=False)
        return [(str(message.uid), message.size_rfc822) for message in found if message.uid]

    def read(self, name: str) -> bytes:
        (_, parts) = self.client.client.uid("fetch", name, "(BODY.PEEK[])")
        return next((bytes(part[1]) for part in parts if isinstance(part, tuple)), b"")

    def remove(self, name: str) -> None:
        self.client.delete([name])


def work_mailbox(address: MailboxAddress, work: Work, *, deadline: float = DEADLINE) -> int:
    """Work each message, and remove it then; return their number. Raise MailboxError where the server fails.

    A message by which ``work`` raises stays, and ends the look; ``work`` must take the same message twice.
    """
    try:
        with _opened(address, deadline) as mailbox:
            found = mailbox.sizes()[:MOST]
            for name, size in found:
                content = _read(mailbox, name) if size <= LARGEST else b""
                if content is None:
                    continue
                if content:
                    work(content)
                mailbox.remove(name)
            return len(found)
    except FAILURES as error:
        raise MailboxError(f"The dispatch mailbox at {address.host} cannot be read: {error!r}") from error


def _read(mailbox: OpenMailbox, name: str) -> bytes | None:
    """Return a message; None where the server refuses it, so that the next ones are read."""
    try:
        return mailbox.read(name)
    except REFUSED_ONE as error:
        logger.warning("The mail %s in the dispatch mailbox cannot be read; it stays: %s", name, error)
        return None


class DialledPop3(poplib.POP3):
    """A client of POP3 on a connection that was made already."""

    def __init__(self, connection: socket.socket) -> None:
        self.dialled = connection
        try:
            super().__init__("", timeout=SILENCE)
        except BaseException:
            self.close()  # the library leaves its file open where the greeting fails
            raise

    def _create_socket(self, timeout: float) -> socket.socket:
        del timeout
        return self.dialled


class DialledImap(imaplib.IMAP4):
    """A client of IMAP on a connection that was made already."""

    def __init__(self, connection: socket.socket) -> None:
        self.dialled = connection
        super().__init__("", timeout=SILENCE)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        del timeout
        return self.dialled


class DialledMailBox(BaseMailBox):
    """The library's mailbox over such a client."""

    def __init__(self, connection: socket.socket) -> None:
        self.dialled = connection
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return DialledImap(self.dialled)


@contextlib.contextmanager
def _opened(address: MailboxAddress, deadline: float) -> Iterator[OpenMailbox]:
    with _dialled(address, deadline) as connection:
        if address.scheme.startswith("imap"):
            box = DialledMailBox(connection)
            try:
                box.login(address.user, address.password)
                yield ImapMailbox(box)
                box.logout()
            finally:
                with contextlib.suppress(OSError):  # it is shut down already
                    box.client.shutdown()
            return
        client = DialledPop3(connection)
        try:
            client.user(address.user)
            client.pass_(address.password)
            yield Pop3Mailbox(client)
            client.quit()
        finally:
            client.close()


@contextlib.contextmanager
def _dialled(address: MailboxAddress, deadline: float) -> Iterator[socket.socket]:
    """Connect, and cut the connection at the deadline: each byte of a dripping server would begin a time-out anew."""
    connection = socket.create_connection((address.host, address.port), SILENCE)
    with contextlib.closing(connection.dup()) as switch:  # it stays, where TLS takes the socket over

        def cut() -> None:
            with contextlib.suppress(OSError):
                switch.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(deadline, cut)
        timer.daemon = True
        timer.start()
        try:
            if address.is_encrypted:
                connection = ssl.create_default_context().wrap_socket(connection, server_hostname=address.host)
            yield connection
        finally:
            timer.cancel()
            cut()
            connection.close()

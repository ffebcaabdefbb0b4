"""A POP3 and an IMAP server over one folder of messages, by Twisted.

``python -m tests.support.mail_servers pop3 FOLDER`` prints its port.
A message is a file; a removed one is gone once the protocol says so: QUIT, or EXPUNGE.
"""

from __future__ import annotations

import io
import sys
from email import message_from_bytes
from pathlib import Path
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import protocol, reactor
from twisted.mail import imap4, pop3
from zope.interface import implementer

USER, PASSWORD = "robot", "secret word"


def files(folder: Path) -> list[Path]:
    """Return the messages, the oldest first."""
    return sorted(folder.glob("*.eml"))


@implementer(pop3.IMailbox)
class Pop3Folder:
    """The folder as POP3 sees it for one session."""

    def __init__(self, folder: Path) -> None:
        self.found = files(folder)
        self.removed: set[int] = set()

    def listMessages(self, index: int | None = None) -> Any:  # noqa: N802 -- Twisted's names, below too
        sizes = [0 if number in self.removed else path.stat().st_size for number, path in enumerate(self.found)]
        return sizes if index is None else sizes[index]

    def getMessage(self, index: int) -> Any:  # noqa: N802
        return io.BytesIO(self.found[index].read_bytes().replace(b"\r\n", b"\n"))  # it writes them anew

    def getUidl(self, index: int) -> bytes:  # noqa: N802
        return self.found[index].name.encode()

    def deleteMessage(self, index: int) -> None:  # noqa: N802
        self.removed.add(index)

    def undeleteMessages(self) -> None:  # noqa: N802
        self.removed.clear()

    def sync(self) -> None:
        for index in self.removed:
            self.found[index].unlink()


@implementer(imap4.IMessage, imap4.IMessageFile)
class ImapMessage:
    """A message as IMAP sees it."""

    def __init__(self, path: Path, number: int) -> None:
        self.path, self.number, self.flags = path, number, set()
        self.content = path.read_bytes()

    def getUID(self) -> int:  # noqa: N802
        return self.number

    def getFlags(self) -> list[str]:  # noqa: N802
        return sorted(self.flags)

    def getInternalDate(self) -> str:  # noqa: N802
        return "29-Nov-2026 12:00:00 +0000"

    def getHeaders(self, negate: bool, *names: str) -> dict[str, str]:  # noqa: N802
        wanted = {name.lower() for name in names}
        found = message_from_bytes(self.content).items()
        return {name.lower(): value for name, value in found if (name.lower() in wanted) != negate or not names}

    def getBodyFile(self) -> Any:  # noqa: N802
        return io.BytesIO(self.content.partition(b"\r\n\r\n")[2])

    def getSize(self) -> int:  # noqa: N802
        return len(self.content)

    def isMultipart(self) -> bool:  # noqa: N802
        return False

    def getSubPart(self, part: int) -> Any:  # noqa: N802
        raise IndexError(part)

    def open(self) -> Any:
        return io.BytesIO(self.content)


@implementer(imap4.IMailbox)
class ImapFolder:
    """The folder as IMAP sees it; numbers of messages are those of their names."""

    def __init__(self, folder: Path) -> None:
        self.messages = [ImapMessage(path, int(path.stem)) for path in files(folder)]

    def getUIDValidity(self) -> int:  # noqa: N802
        return 1

    def getUIDNext(self) -> int:  # noqa: N802
        return max([message.number for message in self.messages], default=0) + 1

    def getUID(self, message: int) -> int:  # noqa: N802
        return self.messages[message - 1].number

    def getMessageCount(self) -> int:  # noqa: N802
        return len(self.messages)

    def getRecentCount(self) -> int:  # noqa: N802
        return 0

    def getUnseenCount(self) -> int:  # noqa: N802
        return len(self.messages)

    def isWriteable(self) -> bool:  # noqa: N802
        return True

    def destroy(self) -> None: ...

    def requestStatus(self, names: Any) -> Any:  # noqa: N802
        return imap4.statusRequestHelper(self, names)

    def addListener(self, listener: Any) -> None: ...  # noqa: N802

    def removeListener(self, listener: Any) -> None: ...  # noqa: N802

    def getFlags(self) -> list[str]:  # noqa: N802
        return ["\\Seen", "\\Deleted"]

    def getHierarchicalDelimiter(self) -> str:  # noqa: N802
        return "/"

    def fetch(self, messages: Any, uid: bool) -> Any:
        messages.last = self.getUIDNext() - 1 if uid else len(self.messages)
        found = enumerate(self.messages, 1)
        return [(number, message) for number, message in found if (message.number if uid else number) in messages]

    def store(self, messages: Any, flags: Any, mode: int, uid: bool) -> dict[int, list[str]]:
        changed = {}
        for number, message in self.fetch(messages, uid):
            own = set(flags)
            message.flags = message.flags | own if mode == 1 else message.flags - own if mode == -1 else own
            changed[number] = message.getFlags()
        return changed

    def expunge(self) -> list[int]:
        gone = [message for message in self.messages if "\\Deleted" in message.flags]
        self.messages = [message for message in self.messages if message not in gone]
        for message in gone:
            message.path.unlink()
        return [message.number for message in gone]


@implementer(IRealm)
class Realm:
    """Gives a user the folder by the protocol that is spoken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def requestAvatar(self, avatar: bytes, mind: Any, *interfaces: Any) -> Any:  # noqa: N802
        if pop3.IMailbox in interfaces:
            return pop3.IMailbox, Pop3Folder(self.folder), lambda: None
        account = imap4.MemoryAccountWithoutNamespaces(avatar)
        account.addMailbox("INBOX", ImapFolder(self.folder))
        return imap4.IAccount, account, lambda: None


def main() -> None:
    kind, folder = sys.argv[1], Path(sys.argv[2])
    checker = InMemoryUsernamePasswordDatabaseDontUse(**{USER: PASSWORD.encode()})
    portal = Portal(Realm(folder), [checker])

    class Server(protocol.Factory):
        def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
            server = pop3.POP3() if kind == "pop3" else imap4.IMAP4Server()
            server.portal, server.factory = portal, self
            return server

    port = reactor.listenTCP(0, Server(), interface="127.0.0.1")
    sys.stdout.write(f"{port.getHost().port}\n")
    sys.stdout.flush()
    reactor.run()


if __name__ == "__main__":
    main()

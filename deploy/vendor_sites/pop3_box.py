"""A department's mailbox over POP3, scanned by mall-merge: a mail whose orders were merged is removed, others stay.

An address is pop3s://user@host or pop3s://user@host:port, and pop3:// in the clear; the password lies in a file. A
mail is removed behind its merge, so a death in between merges it twice, which changes nothing. Needs only Python.
"""

import poplib
import ssl
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from signed_document import printable

TIMEOUT = 30  # seconds of silence
MOST = 200  # mails of one look
LONGEST_LINE = 1_000_000  # the library's own limit of 2048 would end the session, for a mail of anybody's

poplib._MAXLINE = LONGEST_LINE  # noqa: SLF001 -- there is no other way to say it


class Pop3Box:
    """One mailbox; it remembers the mails that it left, so that none of them is fetched at each look."""

    def __init__(self, address: str, password: Path, largest: int) -> None:
        self.parts, self.password, self.largest = urlsplit(address), password, largest
        self.left: set[bytes] = set()

    @property
    def name(self) -> str:
        return f"{self.parts.username}@{self.parts.hostname}"

    def work(self, take: Callable[[str, bytes], bool]) -> None:
        """Give each new mail to ``take``, and remove those for which it says so. Raise OSError where that cannot be."""
        try:
            with closing(self._open()) as box:
                for number, unique in self._new(box):
                    self._work_one(box, number, unique, take)
                box.quit()  # the removals count from here on
        except poplib.error_proto as error:
            raise OSError(f"{self.name}: {printable(error)}") from error

    def _new(self, box: poplib.POP3) -> list[tuple[int, bytes]]:
        """The mails that were not left before: number and unique name."""
        listed = [line.split(maxsplit=1) for line in box.uidl()[1]]
        here = {unique: int(number) for number, unique in listed}
        self.left &= set(here)
        return [(number, unique) for unique, number in here.items() if unique not in self.left][:MOST]

    def _work_one(self, box: poplib.POP3, number: int, unique: bytes, take: Callable[[str, bytes], bool]) -> None:
        size = int(box.list(number).split()[2])
        name = f"{self.name}, mail {printable(unique.decode(errors='replace'))}"
        if size > self.largest:
            print(f"{name}: left, for it has {size} bytes", file=sys.stderr, flush=True)
        elif take(name, b"\r\n".join(box.retr(number)[1]) + b"\r\n"):
            box.dele(number)
            return
        self.left.add(unique)

    def _open(self) -> poplib.POP3:
        host, user = self.parts.hostname or "", unquote(self.parts.username or "")
        if self.parts.scheme == "pop3s":
            context = ssl.create_default_context()
            box: poplib.POP3 = poplib.POP3_SSL(host, self.parts.port or 995, timeout=TIMEOUT, context=context)
        else:
            box = poplib.POP3(host, self.parts.port or 110, timeout=TIMEOUT)
        try:
            box.user(user)
            box.pass_(self.password.read_text(encoding="utf-8").strip())
        except BaseException:
            box.close()
            raise
        return box

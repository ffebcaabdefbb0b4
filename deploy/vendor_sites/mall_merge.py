"""Merges orders that came by mail or file into the department's own database, each once, the newest revision last.

    python mall_merge.py --keys keys --database orders.sqlite MAILDIR        every message of a Maildir
    python mall_merge.py --keys keys --database orders.sqlite --password-file password pop3s://orders@mail.example
                                              the mails of a mailbox; those that were merged are removed there
    python mall_merge.py --keys keys --database orders.sqlite message.eml    one message; - reads it from standard input
    python mall_merge.py --keys keys --database orders.sqlite --done inbox/  the files of a folder; moves each to
                                              inbox/done/ with a receipt, which tells the mall what became of it
    python mall_merge.py --keys keys --database orders.sqlite --sent M-7-1   the goods went out: nobody takes them back
    python mall_merge.py --keys keys --database orders.sqlite --list         what is in the books, a line each
    python mall_merge.py --keys keys --check order.csv order.csv.sig         is this spreadsheet the mall's?

Only what the mall signed is merged (signed_document.py); whatever else comes is named, and left where it is. Running it
twice over the same mail does no harm; --watch 5 looks again every five seconds. Needs only Python and the modules
beside it.
"""

import argparse
import email.policy
import signal
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

from order_inbox import Inbox, InvalidOrderError, OrderConflictError, TakenOrder, inbox_of
from pop3_box import Pop3Box
from signed_document import CSV, MAX_BYTES, ForgedDocumentError, KeyFile, printable, verify

MAX_MESSAGE = 5 * 1024 * 1024
MAX_PARTS = 20
JSON, SQLITE_FILE = "application/json", "application/vnd.sqlite3"
MERGED = {JSON, SQLITE_FILE}
PASSING = (OSError, sqlite3.OperationalError)
"""What passes: a full disk, a folder or a database that is away. The next look goes on."""


def documents(source: str) -> Iterator[tuple[str, bytes]]:
    """The content of a source: its name and the bytes of each document in it."""
    path = Path(source)
    if source == "-":
        yield from attached("standard input", sys.stdin.buffer.read(MAX_MESSAGE + 1))
    elif (path / "new").is_dir():
        for name, content in messages(path):
            yield from attached(name, content)
    elif path.is_dir():
        yield from files(path)
    elif path.suffix == ".json":
        yield source, read_file(path, MAX_BYTES)
    elif path.suffix == ".sqlite":
        yield from in_database(source, read_file(path, MAX_MESSAGE))
    else:
        yield from attached(source, read_file(path, MAX_MESSAGE))


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The orders in a folder; no link, and no pipe that is waited for."""
    for file in sorted(folder.glob("csg_*.json")):
        if stat.S_ISREG(file.lstat().st_mode):
            yield str(file), read_file(file, MAX_BYTES)


def read_file(path: Path, limit: int) -> bytes:
    """The content of a file, cut one byte beyond the limit."""
    with path.open("rb") as file:
        return file.read(limit + 1)


def messages(maildir: Path) -> Iterator[tuple[str, bytes]]:
    """Each message once, though a mail program moves it meanwhile: to cur/, where its name is longer by flags."""
    seen: set[str] = set()
    missed = True
    while missed:
        missed = False
        for file in (file for folder in ("new", "cur") for file in sorted((maildir / folder).iterdir())):
            unique = file.name.partition(":")[0]
            if unique in seen:
                continue
            try:
                content = read_file(file, MAX_MESSAGE)
            except FileNotFoundError:
                missed = True
                continue
            seen.add(unique)
            yield file.name, content


def attached(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """The JSON attachments of a message; one without the mall's key in its head is another's, and nothing to us.

    The head proves nothing: the signature in the attachment does.
    """
    if len(content) > MAX_MESSAGE:
        return
    try:
        found = parts_of(content)
    except Exception as error:  # noqa: BLE001 -- a mail by which its parser falls must not stop those behind it
        print(f"{printable(name)}: not readable: {printable(error)}", file=sys.stderr, flush=True)
        return
    has_json = any(kind == JSON for kind, _ in found)  # a database beside it has the same documents
    for number, (kind, document) in enumerate(found, 1):
        if kind == JSON:
            yield f"{name}, attachment {number}", document
        elif not has_json:
            yield from in_database(f"{name}, attachment {number}", document)


def parts_of(content: bytes) -> list[tuple[str, bytes]]:
    """The attachments that may hold orders, with their kinds; none of another's mail."""
    message = message_from_bytes(content, policy=email.policy.compat32)
    if not message["X-Mall-Key"]:
        return []
    parts = [part for part in message.walk() if part.get_content_type() in MERGED]
    return [(part.get_content_type(), part.get_payload(decode=True) or b"") for part in parts[:MAX_PARTS]]


def in_database(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """The signed documents in an attached database of SQLite; none of a spoiled one, which is named."""
    if len(content) > MAX_MESSAGE:
        return
    try:
        with closing(sqlite3.connect(":memory:")) as book:
            book.deserialize(content)
            found = book.execute("SELECT envelope FROM documents LIMIT 1000").fetchall()
    except (sqlite3.Error, ValueError) as error:
        print(f"{printable(name)}: not readable: {printable(error)}", file=sys.stderr, flush=True)
        return
    for number, (document,) in enumerate(found, 1):
        yield f"{name}, row {number}", bytes(document) if isinstance(document, bytes) else str(document).encode()


class Merge:
    """The merge of all that comes: into the books, each refusal said once, receipts and replies laid out."""

    def __init__(self, inbox: Inbox, *, done: bool = False, replies: Path | None = None) -> None:
        self.inbox, self.done, self.replies = inbox, done, replies
        self.said: set[str] = set()
        self.refused = 0

    def sources(self, sources: list[str]) -> int:
        """Take every order that files, folders and Maildirs hold; how many were refused."""
        self.refused = 0
        for source in sources:
            for name, content in documents(source):
                self.take(name, content)
        return self.refused

    def mail(self, name: str, content: bytes) -> bool:
        """Take the orders in a mail of a mailbox; whether it had any, and all of them are in the books."""
        taken = [self.take(each, document) for each, document in attached(name, content)]
        return bool(taken) and all(taken)

    def take(self, name: str, content: bytes) -> bool:
        """Take one order; False where it is refused, which is said."""
        file = Path(name)
        try:
            taken = self.inbox.take(content, expected=file.name.rpartition("_")[0] if self.done else "")
        except (ForgedDocumentError, InvalidOrderError, OrderConflictError) as error:
            self.refused += 1
            line = f"{printable(name)}: refused: {printable(error)}"
            if line not in self.said:
                self.said.add(line)
                print(line, file=sys.stderr, flush=True)
            return False
        print(f"{taken.key}: {taken.outcome} ({printable(name)})", flush=True)
        if self.done:
            move_done(file, taken)
        if self.replies is not None:
            keep_reply(self.replies, taken)
        return True


def move_done(file: Path, taken: TakenOrder) -> None:
    """Move a merged file to done/, with its slip; the receipt first, which the mall then reads with it."""
    folder = file.parent / "done"
    folder.mkdir(exist_ok=True)
    (folder / f"{file.name}.ack").write_text(taken.receipt)
    file.replace(folder / file.name)
    slip = file.with_suffix(".pdf")
    if slip.exists():
        slip.replace(folder / slip.name)


def keep_reply(folder: Path, taken: TakenOrder) -> None:
    """Write the receipt as a mail to the mall's robot, for the mail program to send: once for each outcome."""
    message = EmailMessage()
    message["Subject"] = f"Receipt {taken.key}"
    message["X-Mall-Receipt"] = taken.key
    message.set_content(f"{taken.key}: {taken.outcome}\n")
    message.add_attachment(taken.receipt.encode(), maintype="application", subtype="json", filename=f"{taken.key}.ack")
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{taken.key}.part"
    part.write_bytes(message.as_bytes(policy=email.policy.SMTP))
    part.replace(folder / f"{taken.key}.eml")


def check(sheet: Path, signature: Path, keys: KeyFile) -> int:
    """Say whether the mall signed a spreadsheet, which came with its signature beside it."""
    try:
        content = read_file(sheet, MAX_MESSAGE)
        _, key = verify(read_file(signature, MAX_BYTES), CSV, keys.keys(), detached=content)
    except ForgedDocumentError as error:
        print(f"{sheet}: refused: {error}", file=sys.stderr)
        return 1
    print(f"{sheet}: signed by the mall for {key.vendor}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=Path, required=True, help="the key file; signed_document.py says its form")
    parser.add_argument("--database", help="a file of SQLite, or postgresql://…")
    parser.add_argument("--done", action="store_true", help="move merged files of a folder to its folder done/")
    parser.add_argument("--watch", type=float, metavar="SECONDS", help="look again and again, with this pause")
    parser.add_argument("--replies", type=Path, metavar="FOLDER", help="write receipts as mails there, to be sent back")
    parser.add_argument("--password-file", type=Path, help="the password of the mailbox pop3s://user@host")
    parser.add_argument("--sent", metavar="NUMBER", help="close the job of this consignment, for its goods went out")
    parser.add_argument("--list", action="store_true", help="print the orders in the books, with their states")
    parser.add_argument("--check", type=Path, nargs=2, metavar=("CSV", "SIGNATURE"), help="check a spreadsheet")
    parser.add_argument("sources", nargs="*", metavar="SOURCE")
    options = parser.parse_args()
    keys = KeyFile(options.keys)
    if options.check:
        return check(*options.check, keys)
    if options.database is None:
        parser.error("name the --database")
    if any(map(is_mailbox, options.sources)) and (options.password_file is None or options.done):
        parser.error("a mailbox needs its --password-file, and has no folder done/")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if options.list:
        return say_books(options, keys)
    return close_job(options, keys) if options.sent else look(options, keys)


def say_books(options: argparse.Namespace, keys: KeyFile) -> int:
    """Print a line for each consignment, the oldest first: its number, its state, its goods."""
    for number, state, line in inbox_of(options.database, keys).states():
        print(f"{printable(number)}  {state:<9}  {line}")
    return 0


def close_job(options: argparse.Namespace, keys: KeyFile) -> int:
    known = inbox_of(options.database, keys).mark_sent(options.sent)
    print(f"{options.sent}: {'sent' if known else 'there is no open job of it'}")
    return 0 if known else 1


def look(options: argparse.Namespace, keys: KeyFile) -> int:
    """Merge once, or again and again, over a full disk, a mailbox and a database that are away."""
    boxes = [Pop3Box(each, options.password_file, MAX_MESSAGE) for each in filter(is_mailbox, options.sources)]
    work: Merge | None = None
    while True:
        try:
            work = work or Merge(inbox_of(options.database, keys), done=options.done, replies=options.replies)
            refused = look_once(work, options.sources, boxes)
        except PASSING as error:
            refused = 1
            print(f"{printable(error)}{'; tried again' if options.watch else ''}", file=sys.stderr, flush=True)
        if not options.watch:
            return 1 if refused else 0
        time.sleep(options.watch)


def look_once(work: Merge, sources: list[str], boxes: list[Pop3Box]) -> int:
    """Merge what is there now; how many orders were refused."""
    work.sources([each for each in sources if not is_mailbox(each)])
    for box in boxes:
        box.work(work.mail)
    return work.refused


def is_mailbox(source: str) -> bool:
    return source.startswith(("pop3://", "pop3s://"))


if __name__ == "__main__":
    sys.exit(main())

"""Merges orders that came by mail or file into the department's own database, each once, the newest revision last.

    python mall_merge.py --keys keys --database orders.sqlite MAILDIR        every message of a Maildir
    python mall_merge.py --keys keys --database orders.sqlite message.eml    one message; - reads it from standard input
    python mall_merge.py --keys keys --database orders.sqlite --done inbox/  the files of a folder; moves each to
                                              inbox/done/ with a receipt, which tells the mall what became of it
    python mall_merge.py --keys keys --database orders.sqlite --sent M-7-1   the goods went out: nobody takes them back
    python mall_merge.py --keys keys --check order.csv order.csv.sig         is this spreadsheet the mall's?

Only what the mall signed is merged (signed_document.py); whatever else comes is named, and left where it is. Running it
twice over the same mail does no harm; --watch 5 looks again every five seconds. Needs only Python and the two modules
beside it.
"""

import argparse
import email.policy
import signal
import stat
import sys
import time
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

from order_inbox import Inbox, InvalidOrderError, OrderConflictError
from signed_document import CSV, MAX_BYTES, ForgedDocumentError, KeyFile, printable, verify

MAX_MESSAGE = 5 * 1024 * 1024
MAX_PARTS = 20


def documents(source: str) -> Iterator[tuple[str, bytes]]:
    """The content of a source: its name and the bytes of each document in it."""
    path = Path(source)
    if source == "-":
        yield from attached("standard input", sys.stdin.buffer.read(MAX_MESSAGE + 1))
    elif (path / "new").is_dir():
        for name, content in messages(path):
            yield from attached(name, content)
    elif path.is_dir():
        for file in sorted(path.glob("csg_*.json")):
            if stat.S_ISREG(file.lstat().st_mode):  # no link, and no pipe that is waited for
                yield str(file), read_file(file, MAX_BYTES)
    elif path.suffix == ".json":
        yield source, read_file(path, MAX_BYTES)
    else:
        yield from attached(source, read_file(path, MAX_MESSAGE))


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
        message = message_from_bytes(content, policy=email.policy.compat32)
        parts = [part for part in message.walk() if part.get_content_type() == "application/json"]
        found = [part.get_payload(decode=True) for part in parts[:MAX_PARTS]] if message["X-Mall-Key"] else []
    except Exception as error:  # noqa: BLE001 -- a mail by which its parser falls must not stop those behind it
        print(f"{printable(name)}: not readable: {printable(error)}", file=sys.stderr, flush=True)
        return
    for number, document in enumerate(found, 1):
        yield f"{name}, attachment {number}", document or b""


def merge(inbox: Inbox, sources: list[str], *, done: bool, said: set[str]) -> int:
    """Take every order that the sources hold; how many were refused. ``said`` are the refusals that were printed."""
    refused = 0
    for name, content in (found for source in sources for found in documents(source)):
        file = Path(name)
        try:
            taken = inbox.take(content, expected=file.name.rpartition("_")[0] if done else "")
        except (ForgedDocumentError, InvalidOrderError, OrderConflictError) as error:
            refused += 1
            line = f"{printable(name)}: refused: {printable(error)}"
            if line not in said:
                said.add(line)
                print(line, file=sys.stderr, flush=True)
            continue
        print(f"{taken.key}: {taken.outcome} ({printable(name)})", flush=True)
        if done:
            # The receipt first: the mall takes a file in done/ without one for a plain "we have it".
            (file.parent / "done").mkdir(exist_ok=True)
            (file.parent / "done" / f"{file.name}.ack").write_text(taken.receipt)
            file.replace(file.parent / "done" / file.name)
    return refused


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
    parser.add_argument("--database", type=Path)
    parser.add_argument("--done", action="store_true", help="move merged files of a folder to its folder done/")
    parser.add_argument("--watch", type=float, metavar="SECONDS", help="look again and again, with this pause")
    parser.add_argument("--sent", metavar="NUMBER", help="close the job of this consignment, for its goods went out")
    parser.add_argument("--check", type=Path, nargs=2, metavar=("CSV", "SIGNATURE"), help="check a spreadsheet")
    parser.add_argument("sources", nargs="*", metavar="SOURCE")
    options = parser.parse_args()
    keys = KeyFile(options.keys)
    if options.check:
        return check(*options.check, keys)
    if options.database is None:
        parser.error("name the --database")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    inbox = Inbox(options.database, keys)
    if options.sent:
        known = inbox.mark_sent(options.sent)
        print(f"{options.sent}: {'sent' if known else 'there is no open job of it'}")
        return 0 if known else 1
    said: set[str] = set()
    refused = merge(inbox, options.sources, done=options.done, said=said)
    while options.watch:
        time.sleep(options.watch)
        merge(inbox, options.sources, done=options.done, said=said)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())

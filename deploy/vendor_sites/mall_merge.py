"""Merges orders that came by mail or file into the department's own database, each once, the newest revision last.

    python mall_merge.py --database orders.sqlite MAILDIR          every message of a Maildir
    python mall_merge.py --database orders.sqlite message.eml      one message; - reads it from standard input
    python mall_merge.py --database orders.sqlite --done inbox/    the files of a folder; moves each to inbox/done/,
                                                                   which tells the mall that it has been taken

Running it twice over the same mail does no harm; --watch 5 looks again every five seconds. Needs only Python and
order_inbox.py.
"""

import argparse
import email.policy
import signal
import sys
import time
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

from order_inbox import Inbox, InvalidOrderError, OrderConflictError, read


def bodies(source: str) -> Iterator[tuple[str, bytes]]:
    """The content of a source: its name and the bytes of an order."""
    path = Path(source)
    if source == "-":
        yield from attached("standard input", sys.stdin.buffer.read())
    elif (path / "new").is_dir():
        for name, content in messages(path):
            yield from attached(name, content)
    elif path.is_dir():
        for file in sorted(path.glob("csg_*.json")):
            yield str(file), file.read_bytes()
    else:
        content = path.read_bytes()
        yield from [(source, content)] if path.suffix == ".json" else attached(source, content)


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
                content = file.read_bytes()
            except FileNotFoundError:
                missed = True
                continue
            seen.add(unique)
            yield file.name, content


def attached(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """The JSON attachments of a message; a mail without the mall's key is not from the mall."""
    message = message_from_bytes(content, policy=email.policy.default)
    for part in message.iter_attachments() if message["X-Mall-Key"] else ():
        if part.get_content_type() == "application/json":
            yield f"{name}, {part.get_filename('attachment')}", part.get_payload(decode=True)


def merge(inbox: Inbox, sources: list[str], *, done: bool) -> int:
    """Apply every order that the sources hold; how many were refused."""
    refused = 0
    for name, body in (found for source in sources for found in bodies(source)):
        try:
            print(f"{read(body)[0]}: {inbox.apply(body)} ({name})", flush=True)
        except (InvalidOrderError, OrderConflictError) as error:
            refused += 1
            print(f"{name}: refused: {error}", file=sys.stderr, flush=True)
            continue
        file = Path(name)
        if done and file.is_file():
            (file.parent / "done").mkdir(exist_ok=True)
            file.replace(file.parent / "done" / file.name)
    return refused


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--done", action="store_true", help="move merged files of a folder to its folder done/")
    parser.add_argument("--watch", type=float, metavar="SECONDS", help="look again and again, with this pause")
    parser.add_argument("sources", nargs="+", metavar="SOURCE")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    inbox = Inbox(options.database)
    refused = merge(inbox, options.sources, done=options.done)
    while options.watch:
        time.sleep(options.watch)
        merge(inbox, options.sources, done=options.done)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())

"""A shipping department's mailbox: takes mail by SMTP and keeps each message as a file in a Maildir.

    python mailbox.py --smtp-port 2525 --maildir ./mailbox         takes mail until it is stopped
    python mailbox.py --maildir ./mailbox --list                   shows what is there
    python mailbox.py --maildir ./mailbox --read                   shows their texts, the newest last

A mailbox takes mail from anybody: mall_merge.py beside it merges only what the mall signed.

Needs Python and aiosmtpd.
"""

import sys
from pathlib import Path

# This program bears the name of a module of the standard library, which it and aiosmtpd need: look there first.
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]

import argparse  # noqa: E402
import email.policy  # noqa: E402
import mailbox  # noqa: E402
import signal  # noqa: E402
import threading  # noqa: E402
from email import message_from_binary_file  # noqa: E402

from aiosmtpd.controller import Controller  # noqa: E402
from aiosmtpd.smtp import SMTP, Envelope, Session  # noqa: E402

MAX_MESSAGE = 5 * 1024 * 1024


def printable(text: object) -> str:
    """A mail's text for a terminal: anybody may send one, so nothing in it moves the cursor."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in str(text))


class Keeper:
    """Writes each message into the Maildir before it says 250; a Maildir shows no half-written message."""

    def __init__(self, maildir: mailbox.Maildir) -> None:
        self.maildir = maildir

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's name
        head = f"X-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n".encode()
        self.maildir.add(head + envelope.content)
        return "250 Kept"


def show(maildir: mailbox.Maildir) -> None:
    for name in sorted(maildir.keys()):
        with maildir.get_file(name) as file:
            message = message_from_binary_file(file, policy=email.policy.default)
        parts = ", ".join(part.get_filename("?") for part in message.iter_attachments())
        line = f"{message['Date']}  to {message['To']}  {message['Subject']}  [{message['X-Mall-Key']}]  {parts}"
        print(printable(line.replace("\n", " ")))


def read(maildir: mailbox.Maildir) -> None:
    for name in sorted(maildir.keys()):
        with maildir.get_file(name) as file:
            message = message_from_binary_file(file, policy=email.policy.default)
        text = message.get_body(("plain",))
        print(printable(f"{message['Date']}  to {message['To']}\n{message['Subject']}\n"))
        print(printable(f"{text.get_content() if text else ''}\n{'-' * 72}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--smtp-port", type=int, default=2525)
    parser.add_argument("--maildir", type=Path, required=True)
    parser.add_argument("--list", action="store_true", help="show the messages and stop")
    parser.add_argument("--read", action="store_true", help="show the messages' texts and stop")
    options = parser.parse_args()
    options.maildir.mkdir(parents=True, exist_ok=True)
    for folder in ("tmp", "new", "cur"):
        (options.maildir / folder).mkdir(exist_ok=True)
    maildir = mailbox.Maildir(options.maildir)
    if options.list:
        show(maildir)
        return
    if options.read:
        read(maildir)
        return
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    controller = Controller(Keeper(maildir), hostname=options.host, port=options.smtp_port, data_size_limit=MAX_MESSAGE)
    controller.start()
    port = controller.server.sockets[0].getsockname()[1]
    print(f"listening on smtp://{options.host}:{port}", flush=True)
    stopped.wait()
    controller.stop()


if __name__ == "__main__":
    main()

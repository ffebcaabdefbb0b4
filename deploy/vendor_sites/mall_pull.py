"""Fetches a department's orders from the mall whenever it is online, and works each once.

    mall-pull --keys keys --database orders.sqlite https://mall.example/ship/v1/    the pickup API
    mall-pull --keys keys --database orders.sqlite --identity id_ed25519 --known-hosts mall_hosts
              sftp://fowlers.3@mall.example:2022                                    the drop folder, by OpenSSH's sftp
    mall-pull --keys keys --token                                                   a token for your own program
    mall-pull --keys keys --manifest --database orders.sqlite https://mall…         is anything missing here?

Each order is checked, put into the books together with its key, and acknowledged after that: a crash in between
fetches it again, and the books say that it was there. ``--watch 60`` looks again each minute, and goes on over bad
input, a mall that is away and a full disk. ``--slips FOLDER`` keeps the packing slips. Needs only Python and the
modules beside it; for sftp:// OpenSSH's client, or else the library asyncssh.
"""

import argparse
import asyncio
import importlib.util
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mall_client import Mall, MallError, path_of
from order_inbox import Inbox, InvalidOrderError, OrderConflictError, inbox_of
from signed_document import ForgedDocumentError, KeyFile, printable

NAME = re.compile(r"csg_[0-9a-f]{32}_r[1-9][0-9]{0,4}_[0-9a-f]{8}\.(json|pdf)")
BAD_ORDERS = (ForgedDocumentError, InvalidOrderError, OrderConflictError)
PASSING = (MallError, OSError, sqlite3.OperationalError, subprocess.SubprocessError)
"""What passes: a mall or a database that is away, a full disk. The next look goes on."""


def pull_api(mall: Mall, inbox: Inbox, slips: Path | None) -> int:
    """Lease, download, work and acknowledge until nothing is due; how many were refused."""
    refused = 0
    while leased := mall.ask_list("POST", "leases", "dispatches", {"most": 20}):
        for order in leased:
            refused += not tried(mall, inbox, str(order.get("key")), slips)
    return refused


def tried(mall: Mall, inbox: Inbox, key: str, slips: Path | None) -> bool:
    """Work one order; name it where the mall does not give or take it, and go on with the next."""
    try:
        return take(mall, inbox, key, slips)
    except MallError as error:
        if not error.status:
            raise
        print(f"{printable(key)}: {printable(error)}", file=sys.stderr, flush=True)
        return False


def take(mall: Mall, inbox: Inbox, key: str, slips: Path | None) -> bool:
    """Work one order; reject it at the mall where it cannot be worked, whose people then look."""
    content = mall.ask("GET", path_of("dispatches", key))
    try:
        taken = inbox.take(content, expected=key)
    except BAD_ORDERS as error:
        print(f"{printable(key)}: refused: {printable(error)}", file=sys.stderr, flush=True)
        mall.ask("POST", path_of("dispatches", key, "ack"), {"outcome": "rejected", "reason": printable(error)[:200]})
        return False
    if slips is not None and taken.outcome == "applied":
        keep_slip(mall, key, slips)
    mall.ask("POST", "receipts", json.loads(taken.receipt))
    print(f"{taken.key}: {taken.outcome}", flush=True)
    return True


def keep_slip(mall: Mall, key: str, slips: Path) -> None:
    try:
        content = mall.ask("GET", path_of("dispatches", key, "slip.pdf"))
    except MallError as error:
        if error.status != 404:
            raise
        return  # nothing is packed of a cancelled one
    part = slips / f".{key}.part"
    part.write_bytes(content)
    part.replace(slips / f"{key}.pdf")


def missing(mall: Mall, inbox: Inbox) -> int:
    """Compare the mall's list with the books; how many acknowledged orders are not in them."""
    lost, after = 0, 0
    while after is not None:
        page = mall.ask_json("GET", f"dispatches?after={after}")
        for order in page.get("dispatches", []):
            if order.get("acknowledged_at") and not inbox.has(str(order.get("key"))):
                lost += 1
                print(f"{printable(order.get('key'))}: acknowledged, and not in these books")
        after = page.get("next")
    return lost


class OpenSsh:
    """The drop folder, by OpenSSH's sftp: nothing else is needed on this machine."""

    def __init__(self, url: str, identity: Path, known_hosts: Path) -> None:
        parts = urlsplit(url)
        options = [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            f"UserKnownHostsFile={known_hosts}",
            "ConnectTimeout=20",
        ]
        self.command = ["sftp", "-q", "-b", "-", "-i", str(identity), "-P", str(parts.port or 22)]
        self.command += [word for option in options for word in ("-o", option)] + [f"{parts.username}@{parts.hostname}"]

    def get(self, folder: Path, slips: Path | None) -> None:
        """Copy the orders of inbox/ to a folder, and their slips to another."""
        self.run(f'-get inbox/csg_*.json "{folder}"', *([f'-get inbox/csg_*.pdf "{slips}"'] if slips else []))

    def put(self, receipt: Path, name: str) -> None:
        """Bring a receipt to ack/."""
        self.run(f'put "{receipt}" ack/{name}')

    def run(self, *lines: str) -> None:
        done = subprocess.run(  # noqa: S603 -- the paths are ours
            self.command, input="\n".join(lines), capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode:
            raise MallError(f"sftp ended with {done.returncode}: {printable(done.stderr.strip()[-300:])}")


class Library:
    """The same by the library asyncssh, where the machine has no client of OpenSSH."""

    def __init__(self, url: str, identity: Path, known_hosts: Path) -> None:
        parts = urlsplit(url)
        self.where = {"host": parts.hostname, "port": parts.port or 22, "username": parts.username}
        self.where |= {"client_keys": [str(identity)], "known_hosts": str(known_hosts), "config": None}

    def get(self, folder: Path, slips: Path | None) -> None:
        async def copy(sftp: Any) -> None:
            for name in filter(NAME.fullmatch, sorted(await sftp.listdir("inbox"))):
                target = folder if name.endswith(".json") else slips
                if target is not None:
                    await sftp.get(f"inbox/{name}", str(target / name))

        self.run(copy)

    def put(self, receipt: Path, name: str) -> None:
        async def bring(sftp: Any) -> None:
            await sftp.put(str(receipt), f"ack/{name}")

        self.run(bring)

    def run(self, steps: Callable[[Any], Awaitable[None]]) -> None:
        import asyncssh  # noqa: PLC0415 -- only where OpenSSH's client is missing

        async def connected() -> None:
            async with asyncssh.connect(**self.where) as connection, connection.start_sftp_client() as sftp:
                await steps(sftp)

        try:
            asyncio.run(asyncio.wait_for(connected(), 300))
        except (asyncssh.Error, OSError, TimeoutError) as error:
            raise MallError(f"SFTP failed: {printable(error)}") from error


def folder_at(url: str, identity: Path, known_hosts: Path) -> OpenSsh | Library:
    """The drop folder, by OpenSSH's client or else by the library; raise SystemExit where neither is there."""
    if shutil.which("sftp"):
        return OpenSsh(url, identity, known_hosts)
    if importlib.util.find_spec("asyncssh"):
        return Library(url, identity, known_hosts)
    raise SystemExit("sftp:// needs OpenSSH's client, or the library asyncssh: pip install asyncssh")


def pull_folder(remote: OpenSsh | Library, inbox: Inbox, slips: Path | None) -> int:
    """Get the files, work each, then acknowledge by a receipt in ack/ and remove it; how many were refused."""
    refused = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        remote.get(folder, slips)
        for file in sorted(folder.glob("csg_*.json")):
            try:
                taken = inbox.take(file.read_bytes(), expected=file.name.rpartition("_")[0])
            except BAD_ORDERS as error:
                refused += 1
                print(f"{printable(file.name)}: refused: {printable(error)}", file=sys.stderr, flush=True)
                continue
            receipt = folder / f"{file.name}.ack"
            receipt.write_text(taken.receipt)
            remote.put(receipt, receipt.name)
            print(f"{taken.key}: {taken.outcome}", flush=True)
    return refused


def look(options: argparse.Namespace, keys: KeyFile, inbox: Inbox) -> int:
    if options.slips:
        options.slips.mkdir(parents=True, exist_ok=True)
    if options.mall.startswith("sftp://"):
        return pull_folder(folder_at(options.mall, options.identity, options.known_hosts), inbox, options.slips)
    mall = Mall(options.mall, keys, options.vendor, options.dial)
    return missing(mall, inbox) if options.manifest else pull_api(mall, inbox, options.slips)


def watch(options: argparse.Namespace, keys: KeyFile, inbox: Inbox) -> None:
    """Look again and again, offline for a while where that is asked for: so a dial-up line behaves."""
    while True:
        ends = time.monotonic() + (options.online or 0)
        while True:
            try:
                look(options, keys, inbox)
            except PASSING as error:
                print(f"{printable(error)}; tried again", file=sys.stderr, flush=True)
            if time.monotonic() >= ends:
                break
            time.sleep(min(2, options.watch))
        time.sleep(options.watch)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("mall", nargs="?", default="", metavar="MALL", help="https://… of the pickup API, or sftp://user@host:port")
    add("--keys", type=Path, required=True, help="the key file; signed_document.py says its form")
    add("--database", help="a file of SQLite, or postgresql://…")
    add("--vendor", default="", help="the shop, where the key file has several")
    add("--dial", default="", metavar="HOST:PORT", help="where the mall's name cannot be resolved")
    add("--identity", type=Path, help="the private key for sftp://")
    add("--known-hosts", type=Path, help="the mall's host key, as OpenSSH writes it")
    add("--slips", type=Path, metavar="FOLDER", help="keep the packing slips there")
    add("--watch", type=float, metavar="SECONDS", help="look again and again, with this pause")
    add("--online", type=float, metavar="SECONDS", help="with --watch: stay so long each time")
    add("--manifest", action="store_true", help="name orders that were acknowledged and are not here")
    add("--sent", nargs=3, metavar=("NUMBER", "CARRIER", "TRACKING"), help="say that goods went out")
    add("--token", action="store_true", help="print the token for a program of your own, and stop")
    options = parser.parse_args()
    if not (options.token or options.mall) or not (options.token or options.sent or options.database):
        parser.error("name the --database and the mall")
    if options.mall.startswith("sftp://") and not (options.identity and options.known_hosts):
        parser.error("sftp:// needs --identity and --known-hosts")
    return options


def say_sent(options: argparse.Namespace, keys: KeyFile) -> int:
    number, carrier, tracking = options.sent
    mall = Mall(options.mall, keys, options.vendor, options.dial)
    word = {"carrier": carrier, "tracking_number": tracking}
    changed = mall.ask_json("POST", path_of("consignments", number, "sent"), word)["changed"]
    print(f"{number}: {'the shopper is told' if changed else 'the mall knew it'}")
    return 0


def main() -> int:
    options = parse()
    keys = KeyFile(options.keys)
    if options.token:
        print(keys.of(options.vendor).token)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if options.sent:
            return say_sent(options, keys)
        inbox = inbox_of(options.database, keys)
        if options.watch:
            watch(options, keys, inbox)
        return 1 if look(options, keys, inbox) else 0
    except PASSING as error:
        print(printable(error), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

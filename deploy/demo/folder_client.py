"""``python -m deploy.demo.folder_client``: the program of a department that fetches from its folder at the mall.

It makes its key, waits for the name by which it signs in and for the mall's host key, and becomes ``mall_pull.py``.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from deploy.demo.vendor_sites import SITES, kept_ssh_key

LOOK_EVERY = 0.5
"""Seconds between two looks for a file."""


def text_of(path: Path) -> str:
    """Wait for a file that another program writes; return its text."""
    while not path.exists() or not (text := path.read_text().strip()):
        time.sleep(LOOK_EVERY)
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identity", type=Path, required=True, help="the department's key, made where it is missing")
    parser.add_argument("--user-file", type=Path, required=True, help="with the name by which the department signs in")
    parser.add_argument("--mall-key", type=Path, required=True, help="the public half of the mall's host key")
    parser.add_argument("--mall", required=True, metavar="HOST:PORT")
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--inbox", type=Path, required=True)
    options = parser.parse_args()
    kept_ssh_key(options.identity)
    user, public = text_of(options.user_file), text_of(options.mall_key)
    host, _, port = options.mall.rpartition(":")
    known_hosts = options.inbox / "known_hosts"
    known_hosts.write_text(f"[{host}]:{port} {public}\n")
    inbox = options.inbox
    own = ["--identity", options.identity, "--known-hosts", known_hosts, "--slips", inbox / "slips"]
    books = ["--keys", options.keys, "--database", inbox / "orders.sqlite", "--watch", "5"]
    words = [SITES / "mall_pull.py", *books, *own, f"sftp://{user}@{options.mall}"]
    os.execv(sys.executable, [sys.executable, *map(str, words)])  # noqa: S606 -- our own words


if __name__ == "__main__":
    main()

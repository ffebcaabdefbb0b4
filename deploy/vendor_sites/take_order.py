"""A script for the agent: puts the order that came as shared data into the department's books.

    take_order.py orders.sqlite keys        (scripts.toml names it; the agent gives it JSON on standard input)

It prints the outcome. The key and the work are one transaction, so a second run changes nothing.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from order_inbox import inbox_of
from signed_document import KeyFile


def main() -> int:
    database, keys = sys.argv[1:3]
    given = json.load(sys.stdin)
    taken = inbox_of(database, KeyFile(Path(keys))).take(given["data"].encode(), expected=given["key"])
    print(taken.outcome)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A script for the agent that people start by hand: lists the orders that are still to be packed.

    open_orders.py orders.sqlite        (scripts.toml names it, with by_hand = true)

Its arguments are a town and the most lines; what comes as shared data is repeated above the list.
"""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path


def main() -> int:
    given = json.load(sys.stdin)
    town, most = str(given["args"].get("town", "")), int(given["args"].get("most", 20))
    if given["data"]:
        print(given["data"])
    database = Path(sys.argv[1])
    if not database.exists():
        print("No order has come yet.")
        return 0
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as books:
        found = books.execute("SELECT number, order_number, body FROM consignments WHERE state = 'to pack'").fetchall()
    orders = [(number, order, json.loads(body)) for number, order, body in found]
    there = [each for each in orders if not town or each[2]["address"]["town"].casefold() == town.casefold()]
    for number, order, body in there[:most]:
        goods = ", ".join(f"{line['quantity']} × {line['sku']}" for line in body["lines"])
        print(f"{number} of order {order}: {goods} to {body['address']['town']}")
    print(f"{len(there)} to pack{f' for {town}' if town else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.e2e.walk_farm``: a shopper's walk through the farm of containers that runs on this machine.

Over TLS and the balancer, on the hosts below ``.test``; one node is killed before the payment. `make farm` first.
"""

import os
import sys

from playwright.sync_api import expect, sync_playwright

from deploy.farm.compose import Farm, docker, farm_of_environment
from tests.e2e import chromium
from tests.e2e.shopper import FOWLERS, MASTER, NOBLE_BARNEY, SHOPS, THISTLE, Shopper
from tests.support.waiting import wait_for

INBOXES = {FOWLERS: "fowlers-dispatch", NOBLE_BARNEY: "mail", THISTLE: "sftp"}
PORT = os.environ.get("HTTPS_PORT", "443")


class Containers:
    """What a Shopper asks of a farm."""

    def url(self, host: str, path: str = "/") -> str:
        port = "" if PORT == "443" else f":{PORT}"
        return f"https://{host.removesuffix('localhost')}test{port}{path}"


def holds(farm: Farm, department: str, number: str) -> bool:
    """Whether a department's inbox has a file with this consignment; mails carry it encoded, so they are decoded."""
    read = (
        "import email, email.policy, pathlib\n"
        "for path in pathlib.Path('/data/inbox').rglob('*'):\n"
        "    if path.is_file():\n"
        "        data = path.read_bytes()\n"
        "        parts = email.message_from_bytes(data).walk() if b'MIME-Version' in data else ()\n"
        "        print(data.decode(errors='replace'))\n"
        "        print(*((part.get_payload(decode=True) or b'').decode(errors='replace') for part in parts))\n"
    )
    return number in farm.run("exec", "-T", department, "python", "-c", read, check=False)


def walk(page, nodes: set[str], farm: Farm, victim: str) -> None:
    shopper = Shopper(page, Containers(), "nora@example.org")
    for shop in SHOPS:
        shopper.add_from(shop)
    for host in (*(shop.host for shop in SHOPS), MASTER):
        shopper.sees_in_cart(SHOPS, host)
    say(f"The cart shows three stores' goods on {len(SHOPS) + 1} hosts.")
    shopper.goes_to_checkout()
    docker("kill", victim)
    say("A node is killed.")
    amount = shopper.pays()
    expect(page.locator(".totals__sum")).to_contain_text(amount)
    numbers = shopper.consignments()
    say(f"Paid {amount}; consignments {', '.join(numbers.values())}.")
    for shop, department in INBOXES.items():
        wait_for(lambda shop=shop, department=department: holds(farm, department, numbers[shop.name]), department)
        say(f"{department} holds {numbers[shop.name]}.")
    wait_for(lambda: set(shopper.dispatched()) <= {"sent", "acked"}, "all three to be told as sent")
    say(f"Served by {', '.join(sorted(nodes - {'None'}))}.")


def main() -> int:
    faults: list[str] = []
    nodes: set[str] = set()
    farm = farm_of_environment()
    victim = farm.running("web")[-1].id
    with sync_playwright() as playwright:
        executable = chromium.find(playwright.chromium.executable_path)
        flags = [*chromium.flags(), "--host-resolver-rules=MAP *.test 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.on("response", lambda response: nodes.add(str(response.headers.get("x-node"))))
        page.on("response", lambda response: faults.append(response.url) if response.status >= 500 else None)
        try:
            walk(page, nodes, farm, victim)
        finally:
            docker("start", victim)
            browser.close()
    say(f"{len(faults)} failed answers{': ' if faults else '.'}{', '.join(faults)}")
    return len(faults)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 -- a program's voice


if __name__ == "__main__":
    sys.exit(main())

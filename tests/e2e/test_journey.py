"""The walking mall: three stores on three hosts, one cart, one payment, a consignment in each department."""

import email
import email.policy
import json

import pytest
from playwright.sync_api import expect

from shipping.envelope import unverified_payload
from tests.e2e.farm import contents
from tests.e2e.shopper import FOWLERS, MASTER, NOBLE_BARNEY, SHOPS, THISTLE, Shopper
from tests.support.waiting import wait_for


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_journey_over_three_hosts(mall_farm, new_page, javascript):
    page = new_page(java_script_enabled=javascript)
    shopper = Shopper(page, mall_farm, f"nora-{javascript}@example.org".lower())
    for shop in SHOPS:
        shopper.add_from(shop)
    for host in (*(shop.host for shop in SHOPS), MASTER):
        shopper.sees_in_cart(SHOPS, host)

    shopper.goes_to_checkout()
    amount = shopper.pays()
    expect(page.locator(".totals__sum")).to_contain_text(amount)
    numbers = shopper.consignments()
    assert set(numbers) == {shop.name for shop in SHOPS}
    assert_departments_hold(mall_farm, numbers)
    wait_for(lambda: set(shopper.dispatched()) <= {"sent", "acked"}, "all three to be told as sent")
    wait_for(lambda: messages_to(mall_farm, shopper.email), "the confirmation")

    shopper.page.goto(mall_farm.url(MASTER))
    shopper.sees_count(0)
    assert page.nodes >= {"web1", "web2"}
    assert page.faults == []


def assert_departments_hold(farm, numbers):
    """Each has its own consignment, and none of another's."""
    found = {
        FOWLERS: lambda: received_requests(farm),
        NOBLE_BARNEY: lambda: attachments_to(farm, "orders@noblebarney.localhost"),
        THISTLE: lambda: received_files(farm),
    }
    for shop, read in found.items():
        wait_for(
            lambda read=read, shop=shop: numbers[shop.name] in " ".join(read()),
            f"the order at {shop.name}'s department",
        )
    for shop, read in found.items():
        others = {number for name, number in numbers.items() if name != shop.name}
        assert not [number for number in others if number in " ".join(read())]


def received_requests(farm) -> list[str]:
    """Bodies of the signed requests that Fowlers' receiver took."""
    return [json.dumps(json.loads(body)) for body in contents(farm.inboxes["fowlers"], pattern="*.json")]


def received_files(farm) -> list[str]:
    files = contents(farm.inboxes["thistle"], pattern="*.json")
    return [unverified_payload(content).decode(errors="replace") for content in files]


def messages_to(farm, address: str) -> list:
    """What has arrived: in ``tmp`` of a Maildir lies what is still being written, and goes from there."""
    maildir = farm.inboxes["noblebarney"]
    arrived = contents(maildir / "new", maildir / "cur")
    messages = [email.message_from_bytes(message, policy=email.policy.default) for message in arrived]
    return [message for message in messages if address in str(message["To"])]


def attachments_to(farm, address: str) -> list[str]:
    parts = [part for message in messages_to(farm, address) for part in message.iter_attachments()]
    return [
        part.get_content()
        if part.get_content_maintype() == "text"
        else part.get_payload(decode=True).decode(errors="replace")
        for part in parts
    ]

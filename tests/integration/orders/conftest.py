"""Two vendors, and the one's packer at the desk."""

from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import reverse

from tests.support.html import form_data
from tests.support.two_vendors import MASTER, make_marketplace, make_side

QUEUE = "admin:orders_consignment_changelist"


@pytest.fixture
def sides(db):
    marketplace = make_marketplace()
    return make_side("Amber", marketplace), make_side("Basalt", marketplace)


def sign_in(user) -> Client:
    client = Client(headers={"host": MASTER})
    client.force_login(user)
    return client


@pytest.fixture
def packer(sides):
    return sign_in(sides[0].staff["orders"])


@dataclass
class Desk:
    """A list of the desk as a person has it open."""

    client: Client
    shown: str
    query: dict[str, str]

    def act(self, action, *consignments, everything=False):
        """Choose rows of the list, or all, and run an action."""
        chosen = [each if isinstance(each, int) else each.pk for each in consignments]
        data = {"action": action, "index": 0, "shown": self.shown, "_selected_action": chosen}
        if everything:
            data |= {"select_across": 1, "_selected_action": chosen or [0]}
        address = reverse(QUEUE, query=self.query)
        return self.client.post(address, data, follow=True)


@pytest.fixture
def open_desk(sides, packer):
    """Open a list, and keep what it showed."""

    def look(client=packer, **query) -> Desk:
        return Desk(client, form_data(client.get(reverse(QUEUE), query))["shown"], query)

    return look

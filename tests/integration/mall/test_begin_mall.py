"""An empty installation begins by a command: before it no host is served, and nobody reaches the admin."""

import pytest
from django.core.management import CommandError, call_command

from sessions_farm.communities.models import Community, Domain
from vendors.models import Marketplace

pytestmark = pytest.mark.django_db


def test_the_first_host_is_served_and_leads_to_the_admin(client):
    assert client.get("/admin/", headers={"host": "mall.example.org"}).status_code == 421
    call_command("begin_mall", "mall.example.org", "The Mall", currency="GBP")
    domain = Domain.objects.get()
    assert (domain.host, domain.community.master) == ("mall.example.org", domain)
    assert Marketplace.objects.get().currency == "GBP"
    assert client.get("/admin/", headers={"host": "mall.example.org"}).status_code == 302


def test_a_community_that_is_there_is_left_alone():
    Community.objects.create(slug="other", name="Other")
    with pytest.raises(CommandError, match="already"):
        call_command("begin_mall", "mall.example.org", "The Mall")


@pytest.mark.parametrize(("host", "more"), [("not a host", {}), ("mall.example.org", {"currency": "XXL"})])
def test_bad_words_leave_nothing_behind(host, more):
    with pytest.raises(CommandError):
        call_command("begin_mall", host, "The Mall", **more)
    assert not Community.objects.exists()

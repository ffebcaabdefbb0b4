"""``manage.py domains``, as an operator types it."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from sessions_farm.communities.models import Domain
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.name_server import ZONE
from sessions_farm.communities.verification import verification_record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _zone(settings, two_communities):
    settings.SESSIONS_FARM_COMMUNITIES = {
        **settings.SESSIONS_FARM_COMMUNITIES,
        "RESOLVER": "sessions_farm.communities.tests.support.name_server.MemoryResolver",
    }
    yield
    ZONE.clear()


def type_in(*words):
    out = StringIO()
    call_command("domains", *words, stdout=out)
    return out.getvalue()


def test_domain_goes_from_waiting_to_served_to_suspended(two_communities):
    domain = Domain.objects.create(community=two_communities.mall, host="new.test")
    assert "new.test  Mall  waiting for verification" in type_in("list")
    with pytest.raises(CommandError, match=r"_mall-verify\.new\.test"):
        type_in("serve", "new.test")
    assert "new.test: not verified. The TXT record at _mall-verify.new.test is not there" in type_in(
        "verify", "new.test"
    )
    name, text = verification_record(domain)
    ZONE[name] = {"TXT": [text]}
    assert type_in("verify", "new.test") == "new.test: verified.\n"
    assert type_in("serve", "new.test") == "new.test is served.\n"
    assert registry.resolve("new.test")
    type_in("suspend", "new.test", "--reason", "It moved.")
    assert registry.resolve("new.test") is None
    assert "not served  It moved." in type_in("list")


def test_operators_word_is_enough(two_communities):
    Domain.objects.create(community=two_communities.mall, host="new.test")
    type_in("serve", "new.test", "--unverified")
    assert registry.resolve("new.test")


def test_check_of_all_looks_at_what_is_due(two_communities):
    Domain.objects.create(community=two_communities.mall, host="new.test")
    assert type_in("verify") == "0 verified, 1 not verified, 0 the DNS does not answer\n"
    assert type_in("verify") == "0 verified, 0 not verified, 0 the DNS does not answer\n"


def test_host_that_is_pending_twice_is_looked_up_twice_and_served_by_its_page(two_communities):
    for community in (two_communities.mall, two_communities.fair):
        domain = Domain.objects.create(community=community, host="new.test")
    assert type_in("verify", "new.test").count("new.test: not verified.") == 2
    with pytest.raises(CommandError, match=r"new\.test is pending 2 times"):
        type_in("serve", "new.test", "--unverified")
    name, text = verification_record(domain)
    ZONE[name] = {"TXT": [text]}
    type_in("verify", "new.test")
    type_in("serve", "new.test")
    assert registry.resolve("new.test").community == "fair"


def test_wildcard_is_named_with_its_star():
    type_in("suspend", "*.shops.test", "--reason", "x")
    assert registry.resolve("x.shops.test") is None
    with pytest.raises(CommandError, match="not in the registry"):
        type_in("suspend", "shops.test", "--reason", "x")

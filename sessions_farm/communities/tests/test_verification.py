"""Whose a host is: proven by DNS, looked at again, taken away after three misses; a new owner never has the proof."""

import datetime

import pytest
from django.utils import timezone

from sessions_farm.communities import verification
from sessions_farm.communities.models import Domain, RegistryVersion
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.name_server import SERVFAIL, MemoryResolver
from sessions_farm.communities.verification import (
    Finding,
    Needed,
    NotProven,
    check_domain,
    check_due,
    record_of,
    serve_domain,
    suspend_domain,
)

NOW = timezone.now()
DAY = datetime.timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def domain(two_communities):
    return Domain.objects.create(community=two_communities.mall, host="new.test")


@pytest.fixture
def dns():
    return MemoryResolver({})


def prove(dns, domain):
    name, text = record_of(domain)
    dns.zone[name] = {"TXT": ["v=spf1 -all", text]}


def check(domain, dns, now=NOW):
    return check_domain(domain=domain, now=now, resolver=dns)


def test_new_domain_waits_and_is_served_nowhere(domain):
    assert domain.status == "pending"
    assert registry.resolve("new.test") is None
    with pytest.raises(NotProven, match=f"_mall-verify.new.test.*mall-verify={domain.verify_token}"):
        serve_domain(domain=domain)


def test_proof_in_the_dns_lets_it_be_served(domain, dns):
    prove(dns, domain)

    assert check(domain, dns) is Finding.PROVEN
    assert (domain.status, domain.verified_at, domain.fault) == ("verified", NOW, "")
    assert registry.resolve("new.test") is None  # an operator says when
    serve_domain(domain=domain)
    assert registry.resolve("new.test").host == "new.test"


def test_each_domain_has_a_token_of_its_own(domain, dns, two_communities):
    other = Domain.objects.create(community=two_communities.fair, host="other.test")
    dns.zone["_mall-verify.new.test"] = {"TXT": [record_of(other)[1]]}

    assert check(domain, dns) is Finding.MISSED
    assert "says mall-verify=" in domain.fault
    assert domain.status == "pending"


def test_wildcard_is_proven_at_its_base(two_communities, dns):
    wild = Domain.objects.create(community=two_communities.mall, host="malls.test", kind="wildcard")
    assert record_of(wild)[0] == "_mall-verify.malls.test"
    prove(dns, wild)
    assert check(wild, dns) is Finding.PROVEN


def served(domain, dns):
    prove(dns, domain)
    check(domain, dns)
    serve_domain(domain=domain)


def test_three_misses_in_a_row_suspend_it(domain, dns):
    served(domain, dns)
    dns.zone.clear()

    for misses in (1, 2):
        assert check(domain, dns) is Finding.MISSED
        assert (domain.status, domain.misses) == ("active", misses)
    check(domain, dns)
    assert domain.status == "suspended"
    assert registry.resolve("new.test") is None


def test_one_proof_in_between_forgets_the_misses(domain, dns):
    served(domain, dns)
    kept = dict(dns.zone)
    for _ in range(4):
        dns.zone.clear()
        check(domain, dns)
        check(domain, dns)
        dns.zone.update(kept)
        assert check(domain, dns) is Finding.PROVEN

    assert (domain.status, domain.misses) == ("active", 0)


def test_dns_that_does_not_answer_is_no_miss(domain, dns):
    served(domain, dns)
    dns.zone["_mall-verify.new.test"] = SERVFAIL

    for _ in range(5):
        assert check(domain, dns) is Finding.UNKNOWN
    assert (domain.status, domain.misses) == ("active", 0)
    assert "does not answer" in domain.fault


def test_new_owner_of_a_lapsed_domain_cannot_have_it(domain, dns):
    served(domain, dns)
    dns.zone["_mall-verify.new.test"] = {"TXT": ["mall-verify=" + "x" * 24]}  # whoever has the domain now

    for _ in range(3):
        check(domain, dns)
    assert domain.status == "suspended"
    with pytest.raises(NotProven):
        serve_domain(domain=domain)
    prove(dns, domain)  # the old owner is back
    check(domain, dns)
    assert domain.status == "suspended"  # and still an operator says when
    serve_domain(domain=domain)
    assert registry.resolve("new.test") is not None


def test_domain_that_leads_elsewhere_misses_too(domain, dns, settings):
    settings.SESSIONS_FARM = {**settings.SESSIONS_FARM, "ADDRESSES": ("192.0.2.7", "2001:db8::7")}
    prove(dns, domain)
    assert check(domain, dns) is Finding.MISSED
    assert "has no address" in domain.fault
    dns.zone["new.test"] = {"A": ["192.0.2.7"], "AAAA": ["2001:db8::7"]}
    assert check(domain, dns) is Finding.PROVEN
    dns.zone["new.test"] = {"A": ["192.0.2.7", "203.0.113.9"]}
    assert check(domain, dns) is Finding.MISSED
    assert "203.0.113.9" in domain.fault


def test_operators_word_serves_without_a_proof_and_asks_for_none_later(domain, dns):
    serve_domain(domain=domain, on_word=True)

    assert registry.resolve("new.test") is not None
    assert sum(check_due(NOW + 9 * DAY, dns).values()) == 0
    for _ in range(4):
        check(domain, dns)  # somebody presses the button all the same
    assert domain.status == "active"


def test_suspended_domain_is_out_until_it_is_served_again(domain, dns):
    served(domain, dns)
    suspend_domain(domain=domain, why="The vendor left.")

    assert registry.resolve("new.test") is None
    assert domain.fault == "The vendor left."
    assert sum(check_due(NOW + 9 * DAY, dns).values()) == 0
    serve_domain(domain=domain)
    assert registry.resolve("new.test") is not None


def test_due_are_those_that_wait_and_those_whose_proof_is_a_day_old(domain, dns, two_communities):
    proven = Domain.objects.create(community=two_communities.mall, host="proven.test")
    served(proven, dns)

    assert check_due(NOW, dns) == {Finding.PROVEN: 0, Finding.MISSED: 1, Finding.UNKNOWN: 0}  # the one that waits
    assert check_due(NOW, dns)[Finding.MISSED] == 0  # just looked at
    assert check_due(NOW + verification.WAITING_AGAIN_AFTER * 2, dns)[Finding.MISSED] == 1
    assert check_due(NOW + DAY * 1.01, dns) == {Finding.PROVEN: 1, Finding.MISSED: 1, Finding.UNKNOWN: 0}


def test_look_that_changes_nothing_wakes_no_node(domain, dns):
    served(domain, dns)
    before = RegistryVersion.objects.get().number
    check(domain, dns, NOW + DAY)

    assert RegistryVersion.objects.get().number == before
    assert Domain.objects.get(pk=domain.pk).checked_at == NOW + DAY


def test_one_node_at_a_time_looks(domain, dns, settings):
    from sessions_farm.session.locks import acquire_effects  # noqa: PLC0415
    from sessions_farm.stores import current_store  # noqa: PLC0415
    from sessions_farm.stores.effects.effects import run_sync  # noqa: PLC0415

    lease = run_sync(acquire_effects(current_store(), verification.LEASE, verification.PATIENCE))
    assert sum(check_due(NOW, dns).values()) == 0
    run_sync(lease.release_effects())
    assert sum(check_due(NOW, dns).values()) == 1


def test_master_is_never_suspended_and_its_fault_is_said(two_communities, dns):
    master = two_communities.mall.master
    prove(dns, master)
    check(master, dns)
    dns.zone.clear()
    for _ in range(5):
        check(master, dns)

    assert (master.status, master.misses) == ("active", 5)
    assert "is not there" in master.fault
    with pytest.raises(Needed, match="change the master first"):
        suspend_domain(domain=master, why="x")
    assert registry.resolve("mall.test") is not None

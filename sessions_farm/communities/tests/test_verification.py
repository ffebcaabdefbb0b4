"""Whose a host is: proven by DNS, looked at again, taken away after three failures; a new owner never has the proof."""

import datetime
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from sessions_farm.communities import verification
from sessions_farm.communities.errors import DomainNotVerifiedError, MasterRequiredError, NameHeldError
from sessions_farm.communities.models import Domain, RegistryVersion
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.name_server import SERVFAIL, MemoryResolver
from sessions_farm.communities.verification import (
    Verification,
    serve_domain,
    suspend_domain,
    verification_record,
    verify_domain,
    verify_due_domains,
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


def verify(dns, domain):
    name, text = verification_record(domain)
    dns.zone[name] = {"TXT": ["v=spf1 -all", text]}


def check(domain, dns, now=NOW):
    return verify_domain(domain=domain, now=now, resolver=dns)


def test_new_domain_waits_and_is_served_nowhere(domain):
    assert domain.status == "pending"
    assert registry.resolve("new.test") is None
    with pytest.raises(DomainNotVerifiedError, match=f"_mall-verify.new.test.*mall-verify={domain.verify_token}"):
        serve_domain(domain=domain)


def test_proof_in_the_dns_lets_it_be_served(domain, dns):
    verify(dns, domain)

    assert check(domain, dns) is Verification.VERIFIED
    assert (domain.status, domain.verified_at, domain.fault) == ("verified", NOW, "")
    assert registry.resolve("new.test") is None  # an operator says when
    serve_domain(domain=domain)
    assert registry.resolve("new.test").host == "new.test"


def test_each_domain_has_a_token_of_its_own(domain, dns, two_communities):
    other = Domain.objects.create(community=two_communities.fair, host="other.test")
    dns.zone["_mall-verify.new.test"] = {"TXT": [verification_record(other)[1]]}

    assert check(domain, dns) is Verification.FAILED
    assert "says mall-verify=" in domain.fault
    assert domain.status == "pending"


def test_wildcard_is_proven_at_its_base(two_communities, dns):
    wild = Domain.objects.create(community=two_communities.mall, host="malls.test", kind="wildcard")
    assert verification_record(wild)[0] == "_mall-verify.malls.test"
    verify(dns, wild)
    assert check(wild, dns) is Verification.VERIFIED


def served(domain, dns):
    verify(dns, domain)
    check(domain, dns)
    serve_domain(domain=domain)


def test_three_misses_in_a_row_take_its_name(domain, dns):
    served(domain, dns)
    dns.zone.clear()

    for failures in (1, 2):
        assert check(domain, dns) is Verification.FAILED
        assert (domain.status, domain.failures) == ("active", failures)
    check(domain, dns)
    assert (domain.status, domain.verified_at) == ("pending", None)
    assert registry.resolve("new.test") is None


def test_one_proof_in_between_forgets_the_misses(domain, dns):
    served(domain, dns)
    kept = dict(dns.zone)
    for _ in range(4):
        dns.zone.clear()
        check(domain, dns)
        check(domain, dns)
        dns.zone.update(kept)
        assert check(domain, dns) is Verification.VERIFIED

    assert (domain.status, domain.failures) == ("active", 0)


def test_dns_that_does_not_answer_is_no_miss(domain, dns):
    served(domain, dns)
    dns.zone["_mall-verify.new.test"] = SERVFAIL

    for _ in range(5):
        assert check(domain, dns) is Verification.UNKNOWN
    assert (domain.status, domain.failures) == ("active", 0)
    assert "does not answer" in domain.fault


def test_new_owner_of_a_lapsed_domain_cannot_have_it(domain, dns):
    served(domain, dns)
    dns.zone["_mall-verify.new.test"] = {"TXT": ["mall-verify=" + "x" * 24]}  # whoever has the domain now

    for _ in range(3):
        check(domain, dns)
    assert domain.status == "pending"
    with pytest.raises(DomainNotVerifiedError):
        serve_domain(domain=domain)
    verify(dns, domain)  # the old owner is back
    check(domain, dns)
    assert domain.status == "verified"
    assert registry.resolve("new.test") is None  # and still somebody has to serve it
    serve_domain(domain=domain)
    assert registry.resolve("new.test") is not None


def rival_of(domain, community, **fields):
    return Domain.objects.create(community=community, host=domain.host, **fields)


def both_verify(dns, domain, rival):
    name, text = verification_record(domain)
    dns.zone[name] = {"TXT": [text, verification_record(rival)[1]]}


def test_pending_domain_reserves_nothing(domain, dns, two_communities):
    rival = rival_of(domain, two_communities.fair)
    verify(dns, rival)

    assert check(domain, dns) is Verification.FAILED
    assert check(rival, dns) is Verification.VERIFIED
    serve_domain(domain=rival)
    assert registry.resolve("new.test").community == "fair"
    with pytest.raises(NameHeldError, match="held by another domain, of Fair"):
        serve_domain(domain=domain, unverified=True)
    with pytest.raises(NameHeldError):
        suspend_domain(domain=domain, reason="x")


def test_record_of_a_new_owner_alone_takes_the_name_at_once(domain, dns, two_communities):
    served(domain, dns)
    rival = rival_of(domain, two_communities.fair)
    both_verify(dns, domain, rival)
    assert check(rival, dns) is Verification.FAILED
    assert f"take that out: {verification_record(domain)[1]}" in rival.fault
    assert registry.resolve("new.test").community == "mall"

    verify(dns, rival)
    assert check(rival, dns) is Verification.VERIFIED
    domain.refresh_from_db()
    assert (domain.status, rival.status) == ("pending", "verified")
    assert registry.resolve("new.test") is None
    with pytest.raises(NameHeldError):
        serve_domain(domain=domain)
    rival.delete()
    with pytest.raises(DomainNotVerifiedError):
        serve_domain(domain=domain)


@pytest.mark.parametrize("kept", ["unverified", "suspended", "former master"])
def test_name_that_operators_keep_is_nobodys_to_take(domain, dns, two_communities, kept):
    if kept == "unverified":
        serve_domain(domain=domain, unverified=True)
    else:
        served(domain, dns)
    if kept == "suspended":
        suspend_domain(domain=domain, reason="It sold stolen goods.")
    if kept == "former master":
        two_communities.mall.former_master = domain
        two_communities.mall.save()
    before = Domain.objects.get(pk=domain.pk).status
    rival = rival_of(domain, two_communities.mall)
    verify(dns, rival)

    assert check(rival, dns) is Verification.FAILED
    assert "the mall’s staff keep new.test" in rival.fault
    assert Domain.objects.get(pk=domain.pk).status == before


def test_record_does_not_help_over_another_communitys_wildcard(two_communities, dns):
    domain = Domain.objects.create(community=two_communities.fair, host="tea.shops.test")
    verify(dns, domain)

    assert check(domain, dns) is Verification.FAILED
    assert domain.fault == "tea.shops.test overlaps *.shops.test of the community Mall."
    with pytest.raises(NameHeldError, match="overlaps"):
        serve_domain(domain=domain, unverified=True)


def test_of_many_that_prove_a_name_at_once_one_has_it(transactional_db, two_communities):
    domains = [Domain.objects.create(community=two_communities.mall, host="new.test") for _ in range(6)]
    together = threading.Barrier(len(domains))

    class SlowResolver(MemoryResolver):
        def txt(self, name):
            together.wait(30)
            return super().txt(name)

    texts = [verification_record(domain)[1] for domain in domains]
    dns = SlowResolver({"_mall-verify.new.test": {"TXT": texts}})

    def look(domain):
        try:
            connection.ensure_connection()
            return check(domain, dns)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(domains)) as pool:
        results = list(pool.map(look, domains))
    assert results.count(Verification.VERIFIED) == 1
    assert Domain.objects.filter(status="verified").count() == 1


def test_domain_that_leads_elsewhere_misses_too(domain, dns, settings):
    settings.SESSIONS_FARM_COMMUNITIES = {
        **settings.SESSIONS_FARM_COMMUNITIES,
        "ADDRESSES": ("192.0.2.7", "2001:db8::7"),
    }
    verify(dns, domain)
    assert check(domain, dns) is Verification.FAILED
    assert "has no address" in domain.fault
    dns.zone["new.test"] = {"A": ["192.0.2.7"], "AAAA": ["2001:db8::7"]}
    assert check(domain, dns) is Verification.VERIFIED
    dns.zone["new.test"] = {"A": ["192.0.2.7", "203.0.113.9"]}
    assert check(domain, dns) is Verification.FAILED
    assert "203.0.113.9" in domain.fault


def test_operators_word_serves_without_a_proof_and_asks_for_none_later(domain, dns):
    serve_domain(domain=domain, unverified=True)

    assert registry.resolve("new.test") is not None
    assert sum(verify_due_domains(NOW + 9 * DAY, dns).values()) == 0
    for _ in range(4):
        check(domain, dns)  # somebody presses the button all the same
    assert domain.status == "active"


def test_suspended_domain_is_out_until_it_is_served_again(domain, dns):
    served(domain, dns)
    suspend_domain(domain=domain, reason="The vendor left.")

    assert registry.resolve("new.test") is None
    assert domain.fault == "The vendor left."
    assert sum(verify_due_domains(NOW + 9 * DAY, dns).values()) == 0
    serve_domain(domain=domain)
    assert registry.resolve("new.test") is not None


def test_due_are_those_that_wait_and_those_whose_proof_is_a_day_old(domain, dns, two_communities):
    proven = Domain.objects.create(community=two_communities.mall, host="proven.test")
    served(proven, dns)

    assert verify_due_domains(NOW, dns) == {
        Verification.VERIFIED: 0,
        Verification.FAILED: 1,
        Verification.UNKNOWN: 0,
    }  # the one that waits
    assert verify_due_domains(NOW, dns)[Verification.FAILED] == 0  # just looked at
    assert verify_due_domains(NOW + verification.PENDING_INTERVAL * 2, dns)[Verification.FAILED] == 1
    assert verify_due_domains(NOW + DAY * 1.01, dns) == {
        Verification.VERIFIED: 1,
        Verification.FAILED: 1,
        Verification.UNKNOWN: 0,
    }
    after = verify_due_domains(NOW + verification.PENDING_PERIOD + DAY, dns)
    assert (after[Verification.VERIFIED], after[Verification.FAILED]) == (1, 0)  # who waits in vain waits for a button


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

    lease = run_sync(acquire_effects(current_store(), verification.LEASE_NAME, verification.LEASE_TIMEOUTS))
    assert sum(verify_due_domains(NOW, dns).values()) == 0
    run_sync(lease.release_effects())
    assert sum(verify_due_domains(NOW, dns).values()) == 1


def test_master_is_never_suspended_and_its_fault_is_said(two_communities, dns):
    master = two_communities.mall.master
    verify(dns, master)
    check(master, dns)
    dns.zone.clear()
    for _ in range(5):
        check(master, dns)

    assert (master.status, master.failures) == ("active", 5)
    assert "is not there" in master.fault
    with pytest.raises(MasterRequiredError, match="change the master first"):
        suspend_domain(domain=master, reason="x")
    assert registry.resolve("mall.test") is not None

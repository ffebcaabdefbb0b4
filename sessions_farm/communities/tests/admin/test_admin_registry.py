"""The admin says what each state of a domain means; its buttons do what they say, for who may."""

import datetime
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models.signals import pre_save
from django.test import Client
from django.utils import timezone

from sessions_farm.communities.admin.domains import MAX_SELECTED
from sessions_farm.communities.masters import FORMER_MASTER_PERIOD
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.name_server import SERVFAIL, ZONE
from sessions_farm.communities.tests.support.registry_admin import (
    COMMUNITIES,
    DOMAINS,
    HOSTS_IN_USE,
    OF_COMMUNITIES,
    OF_DOMAINS,
    announced,
    buttons_on,
    external_domain,
    history_of,
    make,
    make_boss,
    of,
    press,
    said,
    signed_in,
    staff_who_may,
    verified,
    verify,
)
from sessions_farm.communities.verification import PENDING_PERIOD, verification_record
from sessions_farm.tests.support.people import make_user

pytestmark = pytest.mark.django_db


def domain_form(mall, host, **fields):
    return {"community": mall.pk, "host": host, "kind": "exact", "canonical": "", "redirect_uris": "", **fields}


def test_new_domain_waits_and_its_page_says_for_what(boss, mall):
    response = boss.post(f"{DOMAINS}add/", domain_form(mall, "https://Käse.example/"), follow=True)

    domain = Domain.objects.get(host="xn--kse-qla.example")
    assert (domain.kind, domain.status) == ("exact", "pending")
    assert response.request["PATH_INFO"] == of(domain)
    for word in verification_record(domain):
        assert word in said(response)


def test_star_makes_a_wildcard_whatever_kind_was_chosen(boss, mall):
    boss.post(f"{DOMAINS}add/", domain_form(mall, "*.malls.example"))
    assert Domain.objects.get(host="malls.example").kind == "wildcard"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": "A.test."}, "a.test is a domain of the community Mall already"),
        ({"host": "*.shops.test"}, "*.shops.test is a domain of the community Mall already"),
        ({"host": "evil.shops.test"}, "overlaps *.shops.test of the community Mall"),
        ({"host": "*.test"}, "overlaps"),
        ({"host": "a b"}, "“a b” is no host name"),
        ({"host": "*.x.test", "kind": "external", "redirect_uris": "https://x.test/"}, "is one host, without *"),
        ({"host": "x.test", "redirect_uris": "https://x.test/"}, "Only a host outside this farm has any"),
    ],
)
def test_domain_that_cannot_be_is_refused_in_words(boss, two_communities, fields, words):
    before = Domain.objects.count()
    response = boss.post(f"{DOMAINS}add/", domain_form(two_communities.fair, **fields))

    assert words in said(response)
    assert Domain.objects.count() == before


def test_host_beside_a_wildcard_of_that_base_is_free(boss, mall):
    boss.post(f"{DOMAINS}add/", domain_form(mall, "shops.test"))
    assert Domain.objects.filter(host="shops.test").count() == 2


# What a domain's page says


def test_pending_page_says_what_the_dns_must_hold(mall, settings):
    settings.SESSIONS_FARM_COMMUNITIES = {**settings.SESSIONS_FARM_COMMUNITIES, "ADDRESSES": ("192.0.2.7",)}
    boss = signed_in(make_boss())  # these settings begin another store in memory
    domain = make(mall)
    response = boss.get(of(domain))

    name, text = verification_record(domain)
    for words in (
        "waiting for verification",
        name,
        text,
        "leads to 192.0.2.7",
        "Not checked yet",
        "every 5 minutes",
    ):
        assert words in said(response)
    assert buttons_on(response) == ["verify", "serve-unverified", "suspend"]


def test_pending_page_says_what_the_last_look_found(boss, mall):
    domain = make(mall)
    text = press(boss, domain, "verify")
    assert "Checked a moment ago: The TXT record is not there." in text

    Domain.objects.filter(pk=domain.pk).update_unversioned(
        checked_at=timezone.now() - datetime.timedelta(minutes=5, seconds=30)
    )
    assert "Checked 5 minutes ago: The TXT record is not there." in said(boss.get(of(domain)))


def test_verified_page_has_one_step_left(boss, mall):
    response = boss.get(of(verified(mall, status="verified")))

    assert "One step is left: serve it" in said(response)
    assert buttons_on(response) == ["serve", "verify", "suspend"]


def test_verified_page_whose_proof_is_gone_asks_for_it_again(boss, mall):
    response = boss.get(of(verified(mall, status="verified", failures=2, fault="Nothing is there.")))

    assert "2 of 3 checks in a row have not found" in said(response)
    assert "serve" not in buttons_on(response)


def test_served_page_counts_the_looks_that_missed(boss, mall):
    response = boss.get(of(verified(mall, status="active", failures=1, fault="Nothing is there.")))

    for words in (
        "is served",
        "verified once a day",
        "Failed checks: 1 of 3",
        "Nothing is there.",
        "_mall-verify.new.test",
    ):
        assert words in said(response)
    assert buttons_on(response) == ["verify", "suspend"]


def test_page_of_one_served_on_word_says_that_nobody_looks(boss, mall):
    response = boss.get(of(make(mall, status="active")))

    assert "by an operator’s decision" in said(response)
    assert "The daily check passes it over" in said(response)
    assert "_mall-verify.new.test" in said(response)


def test_suspended_page_says_why_and_how_to_bring_it_back(boss, mall):
    lapsed = make(
        mall,
        status="suspended",
        verified_at=timezone.now(),
        checked_at=timezone.now(),
        failures=3,
        fault="The record is gone.",
    )
    response = boss.get(of(lapsed))
    assert "The reason: The record is gone." in said(response)
    assert "let its DNS hold this record, verify it, and then serve" in said(response)
    assert buttons_on(response) == ["verify", "serve-unverified"]

    left = verified(mall, "left.test", status="suspended", fault="The vendor left.")
    response = boss.get(of(left))
    assert "To bring it back, serve it." in said(response)
    assert "serve" in buttons_on(response)


def test_alias_page_says_where_it_leads(boss, mall):
    domain = make(mall, status="active", canonical=Domain.objects.get(host="a.test"))
    assert "leads for good (301) to the same one on a.test." in said(boss.get(of(domain)))
    Domain.objects.filter(host="a.test").update(status="suspended")
    assert "on a.test, which is not served itself." in said(boss.get(of(domain)))


def test_wildcard_page_says_one_label_below(boss, mall):
    text = said(boss.get(of(Domain.objects.get(host="shops.test"))))
    assert "each host one label below, as tea.shops.test" in text


def test_master_page_says_that_it_stays(boss, mall):
    response = boss.get(of(mall.master))

    assert "can be neither suspended nor deleted" in said(response)
    assert "suspend" not in buttons_on(response)
    assert f"{of(mall.master, 'delete')}" not in response.text


def test_pages_of_next_and_former_master_say_so(boss, mall):
    following = Domain.objects.get(host="b.test")
    Community.objects.filter(pk=mall.pk).update(
        next_master=following,
        former_master=Domain.objects.get(host="a.test"),
        former_master_until=timezone.now() + FORMER_MASTER_PERIOD,
    )
    assert "announced as the next master of Mall" in said(boss.get(of(following)))
    assert "It was the master of Mall and vouches until" in said(boss.get(of(Domain.objects.get(host="a.test"))))


def test_page_says_that_the_community_is_off(boss, mall):
    Community.objects.filter(pk=mall.pk).update(is_active=False)
    assert "Mall is switched off" in said(boss.get(of(mall.master)))


def test_list_says_each_state_in_words(boss, mall):
    looked = make(mall, "looked.test")
    press(boss, looked, "verify")
    Domain.objects.filter(pk=looked.pk).update_unversioned(
        checked_at=timezone.now() - datetime.timedelta(minutes=5, seconds=30)
    )
    make(mall, "unseen.test")
    make(mall, "alias.test", status="active", canonical=Domain.objects.get(host="a.test"))
    ZONE["_mall-verify.unseen.test"] = SERVFAIL
    verified(mall, "missed.test", status="active", failures=2, fault="Gone.")
    make(mall, "gone.test", status="suspended", fault="The vendor left.")
    text = said(boss.get(DOMAINS))

    for words in (
        "waiting for verification: checked 5 minutes ago: The TXT record is not there.",
        "waiting for verification: not checked yet.",
        "served: 2 of 3 checks failed. Checked a moment ago: Gone.",
        "not served: The vendor left.",
        "served: unverified, by an operator’s decision.",
        "served: unverified, by an operator’s decision. It leads to a.test.",
        "served: unverified, by an operator’s decision. It is the master.",
        "*.shops.test",
    ):
        assert words in text
    press(boss, Domain.objects.get(host="unseen.test"), "verify")
    assert "waiting for verification: the last check had no answer: the DNS does not answer" in said(boss.get(DOMAINS))


# What a domain's buttons do


def test_look_finds_the_proof_and_serve_serves(clerk, mall):
    domain = make(mall)
    assert "is not there" in press(clerk, domain, "verify")
    assert "Not done: new.test is not verified: put a TXT record" in press(clerk, domain, "serve")
    assert (domain.status, registry.resolve("new.test")) == ("pending", None)

    verify(domain)
    assert "It is there. The domain’s state is now: verified, not yet served." in press(clerk, domain, "verify")
    assert "Served from now on: new.test." in press(clerk, domain, "serve")
    assert registry.resolve("new.test").host == "new.test"
    assert [words[:6] for words in history_of(domain)] == ["Looked", "Looked", "Served"]


def test_dns_that_is_silent_is_told_as_such(boss, mall):
    domain = make(mall)
    ZONE["_mall-verify.new.test"] = SERVFAIL
    assert "the DNS does not answer" in press(boss, domain, "verify")
    assert domain.checked_at is None


def test_third_look_that_misses_tells_of_the_loss(boss, mall):
    domain = verified(mall, status="active", failures=2)
    assert "The domain’s state is now: waiting for verification." in press(boss, domain, "verify")
    assert domain.status == "pending"


def test_page_says_that_nobody_looks_any_more(boss, mall):
    domain = make(mall, pending_since=timezone.now() - PENDING_PERIOD * 1.1)
    assert "It has waited for 30 days" in said(boss.get(of(domain)))
    assert "waiting for verification: no more looked up by itself. Not checked yet." in said(boss.get(DOMAINS))


def test_name_of_another_can_wait_but_not_be_served(boss, two_communities):
    domain = make(two_communities.fair, "a.test")
    assert "Not done: a.test is held by another domain, of Mall" in press(boss, domain, "serve-unverified")
    assert "Not done" in press(boss, domain, "suspend", reason="x")
    assert domain.status == "pending"


def test_page_and_list_say_which_hosts_are_used(mall, settings):
    settings.SESSIONS_FARM_COMMUNITIES = {**settings.SESSIONS_FARM_COMMUNITIES, "HOSTS_IN_USE": HOSTS_IN_USE}
    boss = signed_in(make_boss())  # as above
    assert "No page uses it yet" in said(boss.get(of(Domain.objects.get(host="b.test"))))
    for host in ("a.test", "mall.test"):
        assert "No page uses it yet" not in said(boss.get(of(Domain.objects.get(host=host))))
    assert said(boss.get(DOMAINS)).count("No page uses it yet, and its visitors are told so.") == 2
    assert "Only hosts that pages use are served and get certificates: tea.shops.test." in said(
        boss.get(of(Domain.objects.get(host="shops.test")))
    )


def test_fresh_domain_is_added_where_another_waits_for_its_name(boss, mall):
    make(mall)
    boss.post(f"{DOMAINS}add/", domain_form(mall, "new.test"))
    assert Domain.objects.filter(host="new.test", status="pending").count() == 2


def test_only_a_superuser_serves_on_word(boss, clerk, mall):
    domain = make(mall)
    assert "serve-unverified" not in buttons_on(clerk.get(of(domain)))
    assert clerk.post(of(domain, "serve-unverified")).status_code == 403
    domain.refresh_from_db()
    assert domain.status == "pending"

    assert "Served on your responsibility" in press(boss, domain, "serve-unverified")
    assert (domain.status, domain.verified_at) == ("active", None)
    assert history_of(domain) == ["Served on your responsibility, unverified: new.test."]


def test_suspension_needs_a_reason_and_keeps_it(clerk, mall):
    domain = Domain.objects.get(host="a.test")
    assert "give a reason" in press(clerk, domain, "suspend", reason="  ")
    assert domain.status == "active"

    press(clerk, domain, "suspend", reason="The vendor left.")
    assert (domain.status, domain.fault) == ("suspended", "The vendor left.")
    assert registry.resolve("a.test") is None
    assert history_of(domain) == ["Suspended a.test: The vendor left."]


def test_master_is_neither_suspended_nor_deleted(boss, mall):
    domain = mall.master
    assert "change the master first" in press(boss, domain, "suspend", reason="No reason.")
    assert boss.post(of(domain, "delete"), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": domain.pk, "post": "yes"}
    boss.post(DOMAINS, chosen)
    boss.post(COMMUNITIES, chosen | {"_selected_action": mall.pk})
    assert boss.post(of(mall, "delete"), {"post": "yes"}).status_code == 403

    domain.refresh_from_db()
    assert domain.status == "active"
    chosen["_selected_action"] = Domain.objects.get(host="a.test").pk
    boss.post(DOMAINS, chosen)
    assert not Domain.objects.filter(host="a.test").exists()


def test_action_looks_at_each_that_is_chosen(clerk, mall):
    domains = [make(mall, f"n{number}.test") for number in range(2)]
    verify(domains[1])
    chosen = {"action": "verify_selected", "_selected_action": [domain.pk for domain in domains]}
    clerk.post(DOMAINS, chosen)

    assert list(Domain.objects.filter(host__startswith="n").values_list("status", flat=True).order_by("host")) == [
        "pending",
        "verified",
    ]
    assert len(history_of(domains[0])) == 1


def test_action_does_not_wait_for_the_dns_of_a_whole_list(clerk, mall):
    domains = [make(mall, f"n{number}.test") for number in range(MAX_SELECTED + 1)]
    chosen = {"action": "verify_selected", "_selected_action": [domain.pk for domain in domains]}

    assert f"at most {MAX_SELECTED}" in said(clerk.post(DOMAINS, chosen, follow=True))
    assert not Domain.objects.exclude(checked_at=None).exists()


# What a form may change


def test_form_changes_neither_host_nor_state(boss, two_communities):
    domain = make(two_communities.mall)
    changes = domain_form(
        two_communities.fair, "evil.test", kind="wildcard", status="active", verified_at_0="2026-01-01"
    )
    boss.post(of(domain), changes)

    domain.refresh_from_db()
    assert (str(domain), domain.community, domain.status) == ("new.test", two_communities.mall, "pending")


def test_form_leaves_alone_what_changed_meanwhile(boss, mall):
    domain = verified(mall, status="active")

    def suspend(instance, **_kwargs):
        Domain.objects.filter(pk=domain.pk).update(status="suspended")

    pre_save.connect(suspend, Domain)
    try:
        boss.post(of(domain), {"canonical": Domain.objects.get(host="a.test").pk})
    finally:
        pre_save.disconnect(suspend, Domain)
    domain.refresh_from_db()
    assert (domain.status, domain.canonical.host) == ("suspended", "a.test")


def test_fault_of_a_fixed_field_is_told_on_the_page(boss, two_communities):
    domain = make(two_communities.fair, "x.shops.test")  # made before the rule
    assert "overlaps *.shops.test" in said(boss.post(of(domain), {"canonical": ""}))


@pytest.mark.parametrize(("host", "words"), [("mall.test", "it serves pages itself"), ("b.test", "Other hosts lead")])
def test_host_that_others_need_becomes_no_alias(boss, mall, host, words):
    domain, target = Domain.objects.get(host=host), Domain.objects.get(host="a.test")
    make(mall, "alias.test", canonical=Domain.objects.get(host="b.test"))
    assert words in said(boss.post(of(domain), {"canonical": target.pk}))
    domain.refresh_from_db()
    assert domain.canonical is None


# Who may


def every_button(mall):
    announced(mall)
    domain = external_domain(mall, verified_at=timezone.now())
    return [*(of(domain, button) for button in OF_DOMAINS), *(of(mall, button) for button in OF_COMMUNITIES)]


def state_of_all():
    return list(Domain.objects.order_by("pk").values()), list(Community.objects.order_by("pk").values())


def test_get_does_nothing(boss, mall):
    addresses, before = every_button(mall), state_of_all()
    assert [boss.get(address).status_code for address in addresses] == [405] * len(addresses)
    assert state_of_all() == before


@pytest.mark.parametrize("codenames", [(), ("view_domain", "view_community"), ("add_domain", "delete_domain")])
def test_buttons_are_for_who_may_change(mall, codenames):
    client = signed_in(staff_who_may(*codenames))
    addresses, before = every_button(mall), state_of_all()

    answers = [client.post(address, {"reason": "So.", "confirmed": mall.next_master_id}) for address in addresses]
    assert {answer.status_code for answer in answers} == {403}
    assert state_of_all() == before
    assert LogEntry.objects.count() == 0


def test_who_may_only_look_sees_the_meaning_and_no_buttons(mall):
    client = signed_in(staff_who_may("view_domain", "view_community"))
    announced(mall)
    for row, words in ((make(mall), "waiting for verification"), (mall, "mall.test is the master")):
        response = client.get(of(row))
        assert words in said(response)
        assert not {*buttons_on(response)} & {*OF_DOMAINS, *OF_COMMUNITIES}


def test_who_has_no_permission_sees_neither(mall):
    client = signed_in(staff_who_may())
    for page in (DOMAINS, COMMUNITIES, of(mall.master), of(mall), f"{DOMAINS}add/"):
        assert client.get(page).status_code == 403


def test_strangers_are_led_to_the_login(mall):
    for address in every_button(mall):
        assert Client().post(address).status_code == 302
    assert LogEntry.objects.count() == 0


def test_buttons_need_their_token(mall):
    client = signed_in(make_user(is_superuser=True, is_staff=True), enforce_csrf_checks=True)
    addresses, before = every_button(mall), state_of_all()
    assert {client.post(address, {"reason": "So."}).status_code for address in addresses} == {403}
    assert state_of_all() == before

    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', client.get(of(mall)).text)[1]
    client.post(of(mall, "pause"), {"csrfmiddlewaretoken": token})
    assert Community.objects.get(pk=mall.pk).paused_until is not None


def test_button_of_a_row_that_is_gone_says_not_found(boss, mall):
    assert boss.post(f"{DOMAINS}0/verify/").status_code == 404

"""The admin says how a community is; a master changes there in two steps, and hand-offs pause and go on."""

import datetime
import re

import pytest
from django.db.models.signals import pre_save
from django.utils import timezone

from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.masters import FORMER_MASTER_PERIOD
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.registry_admin import (
    COMMUNITIES,
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
)
from sessions_farm.tests.test_admin import MIDDLEWARE

pytestmark = pytest.mark.django_db


def test_community_page_says_how_things_are(boss, mall):
    make(mall)
    make(mall, "alias.test", status="active", canonical=Domain.objects.get(host="a.test"))
    response = boss.get(of(mall))

    for words in (
        "mall.test is the master",
        "three redirects, once",
        "Pause for an hour",
        "1 waiting for verification",
        "5 served",
    ):
        assert words in said(response)
    assert buttons_on(response) == ["announce", "pause"]
    assert f"{of(mall, 'delete')}" not in response.text
    assert f"?community__id__exact={mall.pk}&amp;status__exact=pending" in response.text
    offered = re.search(r'<select name="domain".*?</select>', response.text, re.DOTALL)[0]
    assert re.findall(r">([a-z.*]+\.test)<", offered) == ["a.test", "b.test"]


@pytest.mark.parametrize(("policy", "words"), [("lazy", "when something there needs it"), ("off", "comes to no store")])
def test_community_page_says_its_policy(boss, mall, policy, words):
    Community.objects.filter(pk=mall.pk).update(handoff_policy=policy)
    assert words in said(boss.get(of(mall)))


def test_community_page_says_what_is_amiss(boss, mall):
    Domain.objects.filter(community=mall).update(status="suspended")
    Community.objects.filter(pk=mall.pk).update(is_active=False)
    text = said(boss.get(of(mall)))

    for words in ("switched off", "It is not served now", "No other domain can be it now"):
        assert words in text


def test_announcement_is_made_and_withdrawn(clerk, mall):
    text = press(clerk, mall, "announce", domain=Domain.objects.get(host="b.test").pk)
    assert mall.next_master.host == "b.test"
    assert "b.test is announced as the next master. Nothing has changed for shoppers yet." in text
    assert mall.master.host == "mall.test"

    press(clerk, mall, "withdraw")
    assert mall.next_master is None
    assert len(history_of(mall)) == 2


@pytest.mark.parametrize("host", ["shops.test", "c.test", "mall.test", ""])
def test_domain_that_cannot_be_the_master_is_not_announced(boss, mall, host):
    pk = Domain.objects.get(host=host).pk if host else "none"
    assert "choose one of the domains" in press(boss, mall, "announce", domain=pk)
    assert mall.next_master is None


def test_change_over_says_what_will_happen_and_does_nothing_yet(boss, two_communities):
    mall = two_communities.mall
    announced(mall)
    external_domain(mall, status="active")
    Community.objects.filter(pk=mall.pk).update(
        former_master=Domain.objects.get(host="a.test"), former_master_until=timezone.now() + FORMER_MASTER_PERIOD
    )
    response = boss.post(of(mall, "change-over"))

    for words in (
        "From mall.test to b.test",
        "mall.test vouches for 30 days",
        "a.test, which was the master before that, is no longer consulted",
        "blog.example is outside this farm",
        "Shoppers keep their id, their cart",
        "The way back is the same",
    ):
        assert words in said(response)
    mall.refresh_from_db()
    assert mall.master.host == "mall.test"


def test_change_over_makes_the_announced_one_the_master(clerk, mall):
    announced(mall)
    following = mall.next_master
    text = press(clerk, mall, "change-over", confirmed=following.pk)

    assert (mall.master, mall.next_master, mall.former_master.host) == (following, None, "mall.test")
    assert "The master is b.test now; before, it was mall.test." in text
    assert "mall.test was the master before, and is consulted until" in text
    assert history_of(mall) == ["The master is b.test now; before, it was mall.test."]


def test_change_over_from_the_former_masters_own_host_leads_to_the_new_one(mall, settings):
    settings.MIDDLEWARE = ["sessions_farm.communities.middleware.HostMiddleware", *MIDDLEWARE]
    announced(mall)
    client = signed_in(make_boss(), headers={"host": "mall.test:8000"})
    response = client.post(of(mall, "change-over"), {"confirmed": mall.next_master.pk})
    assert response["Location"] == absolute_url("b.test", of(mall))


def test_change_over_to_another_than_was_read_about_is_refused(boss, mall):
    announced(mall, "a.test")
    read_about = mall.next_master.pk
    announced(mall, "b.test")

    assert "another domain was announced meanwhile" in press(boss, mall, "change-over", confirmed=read_about)
    assert mall.master.host == "mall.test"


@pytest.mark.parametrize("data", [{}, {"confirmed": "1"}])
def test_change_over_needs_an_announced_domain_that_is_served(boss, mall, data):
    press(boss, mall, "change-over", **data)
    announced(mall)
    Domain.objects.filter(host="b.test").update(status="suspended")
    data = data and {"confirmed": mall.next_master.pk}

    assert "serve it first" in press(boss, mall, "change-over", **data)
    assert mall.master.host == "mall.test"
    response = boss.get(of(mall))
    assert "It cannot take over: b.test is not served; serve it first." in said(response)
    assert "change-over" not in buttons_on(response)


def test_former_master_is_forgotten(clerk, mall):
    announced(mall)
    press(clerk, mall, "change-over", confirmed=mall.next_master.pk)
    text = press(clerk, mall, "forget-former")
    assert (mall.former_master, mall.former_master_until) == (None, None)
    assert "The former master mall.test is no longer consulted." in text


def test_hand_offs_are_paused_for_an_hour_and_go_on(clerk, mall):
    text = press(clerk, mall, "pause")
    assert datetime.timedelta(minutes=59) < mall.paused_until - timezone.now() <= datetime.timedelta(hours=1)
    assert registry.resolve("a.test").is_paused
    assert "They are paused until" in text

    press(clerk, mall, "resume")
    assert not registry.resolve("a.test").is_paused
    assert history_of(mall) == ["Hand-offs are paused for an hour.", "Hand-offs go on."]


def community_form(community, **changes):
    form = {
        "name": community.name, "slug": community.slug, "is_active": "on", "cookie_name": community.cookie_name,
        "id_generator": "", "key_epoch": community.key_epoch, "handoff_policy": community.handoff_policy,
        "resync_hours": 0, "domains-TOTAL_FORMS": 0, "domains-INITIAL_FORMS": 0,
    }  # fmt: skip
    return form | changes


def rows(community, *new):
    """The inline's part of the form: its own domains, and new ones (host, kind)."""
    known = list(community.domains.order_by("host", "kind"))
    form = {"domains-TOTAL_FORMS": len(known) + len(new), "domains-INITIAL_FORMS": len(known)}
    for number, domain in enumerate(known):
        form |= {f"domains-{number}-id": domain.pk, f"domains-{number}-community": community.pk}
    for number, (host, kind) in enumerate(new, len(known)):
        form |= {f"domains-{number}-host": host, f"domains-{number}-kind": kind}
    return form


def test_first_master_is_chosen_once_among_served_hosts(boss, mall):
    fresh = Community.objects.create(slug="fresh", name="Fresh", cookie_name="fresh")
    waiting, served = make(fresh, "waiting.test"), make(fresh, "served.test", status="active")
    for strange in (waiting, Domain.objects.get(host="a.test")):
        boss.post(of(fresh), community_form(fresh, master=strange.pk))
        fresh.refresh_from_db()
        assert fresh.master is None
    boss.post(of(fresh), community_form(fresh, master=served.pk))
    fresh.refresh_from_db()
    assert fresh.master == served

    other = make(fresh, "other.test", status="active")
    boss.post(of(fresh), community_form(fresh, master=other.pk, resync_hours=24))
    fresh.refresh_from_db()
    assert (fresh.master, fresh.resync_hours) == (served, 24)


def test_community_form_leaves_alone_what_changed_meanwhile(boss, mall):
    def move(**_kwargs):
        Community.objects.filter(pk=mall.pk).update(master=Domain.objects.get(host="b.test"))

    pre_save.connect(move, Community)
    try:
        boss.post(of(mall), community_form(mall, name="The mall"))
    finally:
        pre_save.disconnect(move, Community)
    mall.refresh_from_db()
    assert (mall.name, mall.master.host) == ("The mall", "b.test")


def test_key_epoch_rises_and_never_falls(boss, mall):
    boss.post(of(mall), community_form(mall, key_epoch=3))
    mall.refresh_from_db()
    assert mall.key_epoch == 3
    assert "would make cookies good again" in said(boss.post(of(mall), community_form(mall, key_epoch=2)))
    mall.refresh_from_db()
    assert mall.key_epoch == 3


def test_domains_are_added_on_the_communitys_page_and_wait_there(boss, mall):
    response = boss.get(of(mall))
    own = {host: Domain.objects.get(host=host) for host in ("a.test", "shops.test")}
    for domain in own.values():
        assert f'href="{of(domain)}"' in response.text
    assert '<option value="external"' not in response.text

    form = community_form(mall, **rows(mall, ("*.Tea.example", "exact"), ("", "exact")))
    boss.post(of(mall), form | {"domains-0-host": "evil.test"})
    tea = Domain.objects.get(host="tea.example")
    assert (tea.kind, tea.status, tea.community) == ("wildcard", "pending", mall)
    boss.post(of(mall), community_form(mall, **rows(mall)) | {"domains-0-DELETE": "on"})
    assert sorted(map(str, mall.domains.all())) == ["*.shops.test", "*.tea.example", "a.test", "b.test", "mall.test"]


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ([("x.test", "exact"), ("X.test.", "exact")], "x.test is given twice"),
        ([("a.test", "exact")], "a.test is a domain of the community Mall already"),
        ([("x y", "exact")], "no host name"),
        ([("x.test", "external")], "Select a valid choice"),
    ],
)
def test_new_domain_of_a_community_that_cannot_be_is_refused_in_words(boss, mall, new, words):
    assert words in said(boss.post(of(mall), community_form(mall, **rows(mall, *new))))
    assert mall.domains.count() == 4


def test_new_community_is_added_with_its_domains(boss):
    form = community_form(Community(slug="fresh", name="Fresh", cookie_name="fresh"))
    assert "no master yet" in said(boss.get(f"{COMMUNITIES}add/"))
    new = {"domains-TOTAL_FORMS": 1, "domains-0-host": "First.Test", "domains-0-kind": "exact"}
    boss.post(f"{COMMUNITIES}add/", form | new)

    community = Community.objects.get(slug="fresh")
    assert [str(domain) for domain in community.domains.all()] == ["first.test"]
    assert "There is no master yet" in said(boss.get(of(community)))

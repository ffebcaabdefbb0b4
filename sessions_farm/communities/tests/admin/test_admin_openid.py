"""External members in the admin: their addresses, their secrets, their proof, and the keys that sign for them."""

import re
import time
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from sessions_farm.communities.models import Domain, SigningKey
from sessions_farm.communities.openid import signing_keys
from sessions_farm.communities.openid.client_secrets import digest_of_secret, is_secret_of
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.registry_admin import (
    COMMUNITIES,
    DOMAINS,
    buttons_on,
    external_domain,
    history_of,
    make,
    make_clerk,
    of,
    press,
    said,
    signed_in,
)

pytestmark = pytest.mark.usefixtures("db")
ADDRESS = "https://blog.example/in"


def new_secret(client, domain, **data):
    """What the page shows, this once."""
    response = client.post(of(domain, "issue-secret"), {"days": "7", **data})
    return response, re.search(r"<code[^>]*>([A-Za-z0-9_-]{43})</code>", response.text)[1]


def saved(client, domain, redirect_uris):
    client.post(of(domain), {"redirect_uris": redirect_uris, "canonical": ""})
    domain.refresh_from_db()
    return domain.redirect_uris.split()


def test_page_says_what_a_member_needs(boss, mall):
    response = boss.get(of(external_domain(mall, status="active")))
    for words in (
        "outside this farm",
        "Client id blog.example",
        ADDRESS,
        "It has none yet",
        "Its owner has to be proven",
        "it may log nobody in by it",
        "Issuer http://mall.test:8000",
        "http://mall.test:8000/.well-known/openid-configuration",
    ):
        assert words in said(response)
    assert "issue-secret" in buttons_on(response)
    assert "end-older-secrets" not in buttons_on(response)


def test_several_addresses_are_registered_each_on_the_host_itself(boss, mall):
    domain = external_domain(mall)
    several = ["http://blog.example/in", "http://blog.example:8443/b?x=1", "http://blog.example/c"]
    assert saved(boss, domain, "\r\n".join(several)) == several


@pytest.mark.parametrize(
    "address",
    ["", "https://blog.example/in", "http://evil.example/in", "http://blog.example.evil.example/", "http://blog.example/#x",
     "http://anna@blog.example/", "http://blog.example/ and more", "javascript:alert(1)", "//blog.example/in",
     "HTTP://blog.example/in", "http://BLOG.example/in"],
)  # fmt: skip
def test_address_that_is_none_of_the_hosts_is_refused(boss, mall, address):
    domain = external_domain(mall)
    assert saved(boss, domain, f"http://blog.example/ok\n{address}" if address else "") == [ADDRESS]


@pytest.mark.parametrize("address", ["", "http://y.test/"])
def test_new_member_without_an_address_of_its_own_is_refused(boss, mall, address):
    form = {"community": mall.pk, "host": "x.test", "kind": "external", "canonical": "", "redirect_uris": address}
    assert "is no address on x.test" in said(boss.post(f"{DOMAINS}add/", form))
    assert not Domain.objects.filter(host="x.test").exists()


def test_secret_is_shown_once_and_kept_as_its_digest(boss, mall):
    domain = external_domain(mall, status="active", verified_at=timezone.now())
    response, secret = new_secret(boss, domain)

    assert response.text.lower().count(secret.lower()) == 1
    assert "no-store" in response["Cache-Control"]
    (kept,) = domain.secrets.all()
    assert kept.digest == digest_of_secret(secret)
    assert is_secret_of(secret, registry.external_member("blog.example"))
    for page in (of(domain), of(domain, "history"), DOMAINS, "/admin/"):
        shown = boss.get(page).text
        assert secret not in shown
        assert kept.digest not in shown
    assert history_of(domain) == ["Issued a new secret; older ones end in 7 days."]


def test_new_secret_goes_beside_the_old_one_until_the_day_or_the_button(boss, mall):
    domain = external_domain(mall, status="active", verified_at=timezone.now())
    _, old = new_secret(boss, domain)
    page, new = new_secret(boss, domain, days="3")

    def good():
        return [is_secret_of(each, registry.external_member("blog.example")) for each in (old, new)]

    assert "The one that it had before goes on until" in said(page)
    assert "goes on until" in said(boss.get(of(domain)))
    assert good() == [True, True]
    with time_machine.travel(time.time() + timedelta(days=3, seconds=1).total_seconds()):
        assert good() == [False, True]
    assert "ended just now: 1" in press(boss, domain, "end-older-secrets")
    assert good() == [False, True]
    assert "end-older-secrets" not in buttons_on(boss.get(of(domain)))


@pytest.mark.parametrize("days", ["", "-1", "91", "x", "²"])
def test_overlap_that_is_none_issues_nothing(boss, mall, days):
    domain = external_domain(mall)
    assert "give the days" in press(boss, domain, "issue-secret", days=days)
    assert not domain.secrets.exists()


def test_host_of_this_farm_gets_no_secret(boss, mall):
    domain = make(mall)
    assert "only a host outside the farm has a secret" in press(boss, domain, "issue-secret", days="7")
    assert not domain.secrets.exists()


def test_member_is_served_once_its_owner_is_proven_and_never_before(boss, mall):
    domain = external_domain(mall)
    assert "serve-unverified" not in buttons_on(boss.get(of(domain)))
    assert "is not verified" in press(boss, domain, "serve-unverified")
    assert (domain.status, registry.external_member("blog.example")) == ("pending", None)

    Domain.objects.filter(pk=domain.pk).update(verified_at=timezone.now(), status="verified")
    press(boss, domain, "serve-unverified")  # proven, so it is served as such
    assert (domain.status, domain.verified_at is not None) == ("active", True)
    assert registry.external_member("blog.example").host == "blog.example"


def test_signing_key_is_followed_or_revoked_by_a_button(boss, mall):
    assert "External members" not in said(boss.get(of(mall)))
    first = signing_keys.signer(mall.pk).kid
    assert "is followed by another of its own accord" in said(boss.get(of(mall)))

    press(boss, mall, "rotate-key")
    assert len(signing_keys.published_keys(mall.pk)) == 2
    assert signing_keys.signer(mall.pk).kid == first
    assert "Every signing key is revoked" in press(boss, mall, "revoke-keys")
    assert not SigningKey.objects.exists()
    assert history_of(mall)[-1].startswith("Every signing key is revoked.")


def test_keys_are_not_for_one_who_may_only_look(mall):
    signing_keys.signer(mall.pk)
    clerk = signed_in(make_clerk())
    assert {"rotate-key", "revoke-keys"} <= {*buttons_on(clerk.get(of(mall)))}
    assert clerk.get(f"{COMMUNITIES}{mall.pk}/rotate-key/").status_code == 405

"""Secrets of external members: kept as digests, and overlapping with their successors until a date or a button."""

import hashlib
import time
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from sessions_farm.communities.errors import NotExternalError
from sessions_farm.communities.models import Domain
from sessions_farm.communities.openid.client_secrets import (
    digest_of_secret,
    end_older_secrets,
    is_secret_of,
    issue_secret,
)
from sessions_farm.communities.registry import ExternalMember, registry

pytestmark = pytest.mark.usefixtures("walking_mall")


def is_good(secret, host="press.test"):
    return is_secret_of(secret, registry.external_member(host))


def test_new_secret_does_not_end_the_old_one_at_once_but_at_its_date(press):
    old = press.secret
    press.renews_secret(days=3)
    assert (is_good(old), is_good(press.secret)) == (True, True)
    with time_machine.travel(time.time() + timedelta(days=3, seconds=1).total_seconds()):
        assert (is_good(old), is_good(press.secret)) == (False, True)


def test_old_secret_ends_by_the_button(press):
    first = press.secret
    press.renews_secret()
    second = press.secret
    press.renews_secret()
    assert end_older_secrets(domain=press.domain) == 2
    assert (is_good(first), is_good(second), is_good(press.secret)) == (False, False, True)


def test_old_secret_lives_no_longer_by_a_later_one(press):
    first = press.secret
    press.renews_secret(days=1)
    press.renews_secret(days=30)
    with time_machine.travel(time.time() + timedelta(days=2).total_seconds()):
        assert not is_good(first)
        press.renews_secret(days=0)
    assert press.domain.secrets.count() == 3  # of four, the first had ended


def test_secret_without_overlap_ends_the_old_one_at_once(press):
    old = press.secret
    press.renews_secret(days=0)
    assert (is_good(old), is_good(press.secret)) == (False, True)


def test_secrets_are_kept_as_digests_and_of_their_own_member_alone(press, radio):
    (kept,) = press.domain.secrets.all()
    assert kept.digest == hashlib.sha256(press.secret.encode()).hexdigest()
    assert not is_good(press.secret, "radio.test")


def test_member_without_a_secret_proves_itself_by_none():
    def member(*secrets):
        return ExternalMember("press.test", 1, "mall", ("https://press.test/",), secrets)

    right = digest_of_secret("right")
    assert is_secret_of("right", member((right, 0)))
    assert is_secret_of("right", member((digest_of_secret("other"), 0), (right, time.time() + 3600)))
    assert not is_secret_of("right", member((right, time.time() - 1)))
    assert not is_secret_of("wrong", member((right, 0)))
    assert not is_secret_of("", member())
    assert not is_secret_of("any", member())
    assert not is_secret_of("", member((right, 0)))


def test_host_of_this_farm_has_no_secret(press):
    with pytest.raises(NotExternalError, match="only a host outside the farm"):
        issue_secret(domain=Domain.objects.get(host="a.test"))


def test_registry_knows_of_a_secret_at_once_and_not_of_an_unproven_member(two_communities, press):
    assert registry.external_member("press.test").secrets[0][0] == digest_of_secret(press.secret)
    somebody = Domain.objects.create(
        community=two_communities.mall, host="blog.example", kind="external", status="active",
        redirect_uris="https://blog.example/in",
    )  # fmt: skip
    assert registry.external_member("blog.example") is None
    Domain.objects.filter(pk=somebody.pk).update(verified_at=timezone.now())
    assert registry.external_member("blog.example").redirect_uris == ("https://blog.example/in",)

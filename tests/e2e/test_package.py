"""The README files of sessions_farm, followed word by word in a new project; ``make prove`` does it with a wheel.

At ``make test`` the project uses this checkout: SQLite, and two domains in a browser. At ``make prove`` a wheel is
built and installed in a fresh environment, with Django alone and then with each extra; each store answers on real
servers; and the package's own tests run there by their one command.
"""

import re
import sys
import time
from urllib.parse import unquote, urlsplit

import psycopg
import pytest

from deploy import servers
from tests.e2e.package import COMMUNITIES, ENGINE, ROOT, Project, Visitor

FIVE_MINUTES = "In five minutes"
PAGE = "Page views: {}. Sessions on this page: {}."
ON_PAGE = re.compile(r"(?P<host>\S+) \((?P<role>\w+)\): visitor (?P<visitor>\S+), page views: (?P<views>\d+)\.")


@pytest.fixture
def say(capsys):
    """Say what took how long, however pytest captures."""

    def say(what, began):
        with capsys.disabled():
            sys.stdout.write(f"\n{what}: {(time.monotonic() - began) / 60:.1f} minutes")

    return say


@pytest.fixture
def wheel(scale, tmp_path):
    """The wheel, built with pip in an environment of its own; None where the checkout is used as it is."""
    if scale == 1:
        return None
    builder = Project(tmp_path / "builder", tmp_path)
    builder.folder.mkdir()
    builder.run(f"python3.13 -m venv venv && venv/bin/pip wheel -q --no-deps -w dist {ROOT / 'sessions_farm'}")
    (found,) = (builder.folder / "dist").glob("*.whl")
    return found


@pytest.fixture
def private_servers(tmp_path, monkeypatch):
    """Servers of this test's own: libpq's variables, and the address of Redis."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "servers"
    with servers.running(folder, durable=False, say=print) as found:
        yield found
    servers.erase(folder)


def libpq(url):
    """Make an empty database for the README's site; return the environment in which libpq finds it."""
    parts = urlsplit(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS mysite")
        connection.execute("CREATE DATABASE mysite")
        host, port = connection.info.host, connection.info.port
    return {
        "PGHOST": host,
        "PGPORT": str(port),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
    }


def visits(project):
    """Two pages of one visitor, then one of another."""
    with project.served() as url:
        first = Visitor()
        pages = [first.get(url), first.get(url), Visitor().get(url)]
        assert pages == [PAGE.format(1, 1), PAGE.format(2, 1), PAGE.format(1, 2)], project.log()


@pytest.mark.timeout(900)
def test_readme_of_the_engine_works_word_by_word(wheel, tmp_path, request, say):
    began = time.monotonic()
    project = Project(tmp_path / "reader", wheel)
    project.folder.mkdir()
    project.follow(ENGINE, FIVE_MINUTES)
    if wheel:
        packages = project.run("pip list --format freeze").lower()
        assert [name for name in ("redis", "psycopg", "dnspython", "pytest") if f"{name}==" in packages] == []
    visits(project.copy("sqlite"))
    say("SQLite, from nothing to the first page", began)
    if not wheel:
        return
    found = request.getfixturevalue("private_servers")
    for heading in ("PostgreSQL", "Redis", "Tiered: Redis before SQL"):
        began = time.monotonic()
        other = project.copy(heading[:5], REDIS_URL=found.redis_url, **libpq(found.database_url))
        other.follow(ENGINE, heading)
        other.migrate()
        visits(other)
        say(heading, began)
    began = time.monotonic()
    said = project.follow(ENGINE, "Tests")
    say(f"Its own tests: {', '.join(re.findall(r'[0-9]+ passed.*', said))}", began)


@pytest.mark.timeout(600)
def test_readme_of_communities_brings_one_visitor_over_two_domains(wheel, tmp_path, new_page, say):
    began = time.monotonic()
    project = Project(tmp_path / "reader", wheel)
    project.folder.mkdir()
    project.follow(ENGINE, FIVE_MINUTES)
    project.follow(COMMUNITIES, FIVE_MINUTES)
    page = new_page()
    with project.served():
        shop = visit(page, "shop.localhost", project)
        mall = visit(page, "mall.localhost", project)
        again = visit(page, "shop.localhost", project)
    assert (shop["redirects"], mall["redirects"], again["redirects"]) == (3, 0, 0)
    assert len({each["visitor"] for each in (shop, mall, again)}) == 1
    assert [(each["role"], each["views"]) for each in (shop, mall, again)] == [
        ("member", "1"),
        ("master", "2"),
        ("member", "3"),
    ]
    say("Two domains, from nothing to one visitor on both", began)


def visit(page, host, project):
    """A page that is typed in: its words, and the redirects on the way."""
    response = page.goto(f"http://{host}:{project.port}/")
    found = ON_PAGE.search(response.text())
    assert found, f"{response.text()[:2000]}\n{project.log()}"
    assert found["host"] == host
    redirects, asked = 0, response.request
    while asked := asked.redirected_from:
        redirects += 1
    return found.groupdict() | {"redirects": redirects}

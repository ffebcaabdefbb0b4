"""Who steals a dump of Redis, of SQL, of the files or the logs holds no id, and nothing in it opens a session."""

from __future__ import annotations

import base64
import logging
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import redis
from django.contrib.auth import login, logout
from django.db import connection
from django.test import Client as StockClient

from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.handoff_site import ON_PAGE
from sessions_farm.communities.tests.support.walking import COOKIE, MALL, A, B, answered
from sessions_farm.session import ids as keys
from sessions_farm.session.audience import SITE
from sessions_farm.session.session import SessionStore
from sessions_farm.testing.browser import BrowserClient
from sessions_farm.tests.support.named_stores import FARM_WIDE, options_of
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.support.stock_engines import STOCK, put_into_force
from sessions_farm.tests.support.stores_fixtures import REDIS_URL
from sessions_farm.web import cookies

TOKEN = re.compile(r"[A-Za-z0-9_.=-]{16,}")
PARTS = re.compile(r"[.=:]|\s")
LENGTHS = (32, 38)  # of an id, of a local one; a stock engine's key has 32 too
HOSTS = {MALL: "mall.test", A: "a.test"}


class Ids:
    """Everything that was told to browsers: ids, cookies' values, codes."""

    def __init__(self):
        self.ids, self.values, self.codes = set(), set(), set()

    def learn(self, browser):
        for hop in browser.hops:
            self.learn_address(hop.url)
            self.learn_address(hop.response.headers.get("Location", ""))
            morsel = hop.response.cookies.get(COOKIE)
            if morsel and morsel.value:
                self.values.add(morsel.value)
                self.ids.add(morsel.value.split(".")[0])

    def learn_address(self, url):
        self.codes.update(parse_qs(urlsplit(url).query).get("code", []))


def walk(browser, ids, do, *arguments):
    getattr(browser, do)(*arguments)
    ids.learn(browser)
    for hop in browser.hops:  # as servers do
        logging.getLogger("access").info("%s %s %s", hop.method, hop.url, hop.status)


def traffic(ids):
    """Visitors, forms, a login and a logout (rotations), hand-offs between domains, a code that nobody redeemed yet."""
    user = make_user()
    for number in range(3):
        browser = BrowserClient()
        walk(browser, ids, "get", f"{A}/p/x")
        walk(browser, ids, "post", "/add", {"line": f"spade {number}"})
        walk(browser, ids, "get", f"{B}/p/y")
        ON_PAGE.append(sign_in(user))
        walk(browser, ids, "get", f"{MALL}/")
        walk(browser, ids, "get", f"{A}/p/z")
        if number == 1:
            ON_PAGE.append(logout)
            walk(browser, ids, "get", f"{MALL}/")
    alone = BrowserClient()
    walk(
        alone,
        ids,
        "get",
        f"{A}/p/x",
    )
    local = BrowserClient(headers={"Sec-Fetch-Mode": None})  # no hand-off: an id of its host's own
    walk(local, ids, "get", f"{A}/p/x")
    walk(local, ids, "post", "/add", {"line": "rake"})
    late = BrowserClient()
    walk(late, ids, "get", f"{MALL}/")
    ids.learn_address(answered(late))
    return browser


def sign_in(user):
    return lambda request: login(request, user, "django.contrib.auth.backends.ModelBackend")


def dump_of_redis():
    """Names and values of every key there is, in plain and as Redis packs them."""
    if not REDIS_URL:
        return ""
    client = redis.Redis.from_url(REDIS_URL)
    readers = {
        b"hash": client.hgetall,
        b"string": client.get,
        b"set": client.smembers,
        b"list": lambda name: client.lrange(name, 0, -1),
        b"zset": lambda name: client.zrange(name, 0, -1, withscores=True),
        b"stream": client.xrange,
    }
    found = []
    for name in client.scan_iter(count=1000):
        kind = client.type(name)
        found += [name, client.dump(name), *pieces(readers[kind](name) if kind in readers else b"")]
    client.close()
    return "\n".join(piece.decode("latin-1") for piece in found if piece)


def pieces(value):
    """The bytes of whatever redis-py made of an answer."""
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, dict):
        return [piece for pair in value.items() for part in pair for piece in pieces(part)]
    return [piece for part in value for piece in pieces(part)] if isinstance(value, (list, tuple, set)) else []


def dump_of_sql():
    """Every row of every table."""
    lines = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            lines += [" ".join(readable(value) for value in row) for row in cursor.fetchall()]
    return "\n".join(lines)


def readable(value):
    return bytes(value).decode("latin-1") if isinstance(value, (bytes, memoryview)) else str(value)


def dump_of_files(folder):
    found = [path for path in folder.rglob("*") if path.is_file()]
    return "\n".join(f"{path}\n{path.read_bytes().decode('latin-1')}" for path in found)


def dumps_of(folder):
    return {"redis": dump_of_redis(), "sql": dump_of_sql(), "files": dump_of_files(folder)}


def news(before, after):
    """The lines that were not there before; a thief would try all, but the other tests' need not be tried."""
    old = {line for content in before.values() for line in content.split("\n")}
    return "\n".join(line for content in after.values() for line in content.split("\n") if line not in old)


def forms_of(secret):
    """How a secret may stand somewhere: as it is, or in another alphabet."""
    content = secret.encode()
    plain = base64.b64encode(content).decode().rstrip("=")
    return {secret, secret[::-1], content.hex(), plain, base64.urlsafe_b64encode(content).decode().rstrip("=")}


def found_in(dump, secrets):
    text = dump + unquote(dump)
    return {secret for secret in secrets if any(form in text for form in forms_of(secret))}


def candidates(dump):
    """What a thief would try: everything that looks like a token, its parts, and its ends of an id's length."""
    tokens = {part for token in TOKEN.findall(dump + "\n" + unquote(dump)) for part in [token, *PARTS.split(token)]}
    ends = {cut for token in tokens for length in LENGTHS for cut in (token[:length], token[-length:])}
    return {token for token in tokens | ends if len(token) >= 16}


def opens(session):
    return bool(dict(session.items()))


def usable_keys(dump):
    """What opens a session as its bare key."""
    return [token for token in candidates(dump) if SessionStore().exists(token) or opens(SessionStore(token))]


def usable_cookies(dump):
    """What any host takes for our cookie."""
    tokens = candidates(dump)
    members = [(registry.resolve(host), host) for host in HOSTS.values()]
    return [token for token in tokens for member, host in members if cookies.prove(member or SITE, token, host=host)]


def answered_as_somebody(dump):
    """Who is seen behind the site's own front door with such a cookie."""
    seen = []
    for token in candidates(dump):
        client = StockClient()
        client.cookies[COOKIE] = token
        response = client.get("/p/x", headers={"host": "mall.test"}, secure=True)
        request = response.wsgi_request
        if request.mall.session.proof or request.mall.signed_in or request.mall.visitor:
            seen.append(token)
    return seen


@pytest.fixture
def logs(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.fixture(params=FARM_WIDE)
def dump(request, committed_mall, settings, tmp_path, logs):
    """The ids that were told, what a thief finds afterwards, and what of it is new."""
    settings.SESSIONS_FARM = settings.SESSIONS_FARM | options_of(request.param, tmp_path)
    before, ids = dumps_of(tmp_path), Ids()
    somebody = traffic(ids)
    places = dumps_of(tmp_path) | {"logs": logs.text}
    return ids, places, news(before, places), somebody


def test_no_id_stands_in_any_dump_and_nothing_there_opens_a_session(dump):
    ids, places, fresh, somebody = dump
    assert len(ids.ids) >= 8
    assert len(ids.values) >= 12
    assert len(ids.codes) >= 8

    # The dumps are of the right places: what stands for the ids is there, and the codes' addresses are in the logs.
    assert sum(keys.digest(session_id) in fresh for session_id in ids.ids) >= 5
    assert found_in(places["logs"], ids.codes)

    for place, content in places.items():
        assert found_in(content, ids.ids | ids.values) == set(), place
    assert found_in("\n".join(places[place] for place in ("redis", "sql", "files")), ids.codes) == set()
    assert usable_keys(fresh) == []
    assert usable_cookies(fresh) == []
    assert answered_as_somebody(fresh) == []
    # The control of the three: what the browser itself holds does all of it.
    value = somebody.jar("mall.test")[COOKIE]
    assert usable_keys(value) == [value.split(".")[0]]
    assert usable_cookies(value) == [value]
    assert answered_as_somebody(value) == [value]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STOCK)
def test_control_stock_engines_dumps_are_full_of_ids(settings, tmp_path, name):
    with put_into_force(settings, tmp_path) as engines:
        before, told = dumps_of(tmp_path), set()
        for number in range(5):
            session = engines[name]()
            session["_auth_user_id"] = str(number)
            session.save()
            told.add(session.session_key)
        fresh = news(before, dumps_of(tmp_path))
        usable = {token for token in candidates(fresh) if opens(engines[name](token))}
        assert found_in(fresh, told) == told
        assert usable >= told

"""A community's own id generator: a function or an address; one that fails costs no page and makes no weak id."""

import re
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.signing import b62_encode

from sessions_farm.communities.identity import id_generators, mall_ids
from sessions_farm.communities.identity.id_generators import fault_of, prefix_by
from sessions_farm.communities.models import Community
from sessions_farm.communities.registry import Member
from sessions_farm.communities.tests.support.walking import A, mall_of
from sessions_farm.testing.browser import BrowserClient

BUILT_IN = re.compile(r"[\w-]{32}", re.ASCII)


@pytest.fixture(autouse=True)
def _nobody_rests(monkeypatch):
    id_generators.resting.clear()
    monkeypatch.setattr(id_generators, "REST", 3600)  # nobody's is over in the middle of a test


@pytest.fixture
def patient(monkeypatch):
    """An address may take its time: a busy machine is no failure."""
    monkeypatch.setattr(id_generators, "TIMEOUT", 60)


def member(generator):
    return Member("mall.test", 1, 1, "mall", "Mall", "mall", "mall.test", id_generator=generator)


def date_stamp(member):
    return f"{member.community}-20001231"


def not_a_beginning(member):
    return "a b"


def fails(member):
    raise RuntimeError("out of numbers")


@contextmanager
def serving(answer, status=200, seconds=0.0):
    """A page with somebody's own generator, and how often it was asked."""
    asked = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            time.sleep(seconds)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args): ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/guid?kind=short", asked
    finally:
        server.shutdown()
        server.server_close()


def test_function_gives_the_beginning_and_random_bits_follow():
    assert re.fullmatch(r"mall-20001231-[\w-]{22}", mall_ids.new_id(member(f"{__name__}.date_stamp")))


def test_address_gives_the_beginning_and_random_bits_follow(patient):
    with serving(b"ticket-7\n") as (address, asked):
        ids = {mall_ids.new_id(member(address)) for _ in range(5)}

    assert asked == ["/guid?kind=short"] * 5
    assert len(ids) == 5
    assert all(re.fullmatch(r"ticket-7-[\w-]{22}", session_id) for session_id in ids)


@pytest.mark.parametrize(
    ("answer", "status"), [(b"a b", 200), (b"", 200), (b"x" * 65, 200), (b"\xff", 200), (b"moved", 302), (b"no", 500)]
)
def test_address_that_answers_amiss_leaves_it_to_the_built_in_one(patient, answer, status):
    with serving(answer, status) as (address, asked):
        assert BUILT_IN.fullmatch(mall_ids.new_id(member(address)))
        assert BUILT_IN.fullmatch(mall_ids.new_id(member(address)))

    assert len(asked) == 1  # it rests


@pytest.mark.parametrize("name", ["not_a_beginning", "fails", "is_not_there"])
def test_function_that_fails_leaves_it_to_the_built_in_one(name):
    assert BUILT_IN.fullmatch(mall_ids.new_id(member(f"{__name__}.{name}")))


def test_address_that_is_slow_or_gone_costs_a_page_half_a_second_once(caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        began = time.monotonic()
        assert prefix_by(address, member(address)) == ""
        assert time.monotonic() - began > id_generators.TIMEOUT * 0.9
        assert "timed out" in caplog.text
        silent.accept()[0].close()
        assert prefix_by(address, member(address)) == ""
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()  # nobody came: it rests
    assert id_generators.TIMEOUT == 0.5


@pytest.mark.parametrize(
    ("generator", "fault"),
    [
        ("", ""),
        ("https://ids.internal/guid", ""),
        ("http://127.0.0.1:9/guid", ""),
        ("sessions_farm.session.ids.new_id", ""),
        ("http://ids.internal/guid", "no https"),
        ("file:///etc/passwd", "no https"),
        ("sessions_farm.nothing", "cannot be imported"),
        ("sessions_farm.session.ids.AT_REST", "cannot be called"),
    ],
)
def test_fault_of_a_generator_is_said_beforehand(generator, fault):
    said = fault_of(generator)
    assert fault in said
    assert bool(said) == bool(fault)


def test_shopper_has_an_id_of_the_generator_on_every_host(walking_mall):
    Community.objects.filter(slug="mall").update(id_generator=f"{__name__}.date_stamp")
    browser = BrowserClient()
    browser.get(f"{A}/")

    assert mall_of(browser).id.startswith("mall-20001231-")


def test_guessed_id_of_a_weak_generator_is_no_session(walking_mall):
    Community.objects.filter(slug="mall").update(id_generator=f"{__name__}.date_stamp")
    thief = BrowserClient()
    guessed = "mall-20001231-" + "A" * 22
    for value in (guessed, f"{guessed}.{b62_encode(int(time.time()))}.{'A' * 43}"):
        thief.plant("a.test", "__Host-Http-mall", value)
        thief.get(f"{A}/", **{"Sec-Fetch-Mode": None})
        assert mall_of(thief).id is None

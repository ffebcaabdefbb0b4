"""The contract of a resolver, held against the real one before a real name server and against the one of the tests."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured

from sessions_farm.communities.dns import SystemResolver, current_resolver, parse_nameserver
from sessions_farm.communities.errors import ResolverUnavailableError
from sessions_farm.communities.tests.support.name_server import (
    REFUSED,
    SERVFAIL,
    SILENCE,
    ZONE,
    MemoryResolver,
    NameServer,
)

SOON = 0.3  # seconds that a test waits for a name server that stays silent
LATE = 60  # seconds that an answer may take on a busy machine


@pytest.fixture
def server():
    pytest.importorskip("dns")
    with NameServer() as running:
        yield running


@pytest.fixture
def system(server, settings):
    settings.SESSIONS_FARM_COMMUNITIES = {"NAMESERVERS": (server.address,)}
    return SystemResolver(lifetime=LATE)


@pytest.fixture(params=["system", "memory"])
def resolver(request):
    return MemoryResolver({}) if request.param == "memory" else request.getfixturevalue("system")


@pytest.fixture
def zone(resolver, request):
    return resolver.zone if isinstance(resolver, MemoryResolver) else request.getfixturevalue("server").zone


class TestContract:
    def test_a_text_is_found(self, resolver, zone):
        zone["_mall-verify.a.test"] = {"TXT": ["mall=1234"]}
        assert resolver.txt("_mall-verify.a.test") == ["mall=1234"]

    def test_all_texts_at_a_name_are_found(self, resolver, zone):
        zone["a.test"] = {"TXT": ["v=spf1 -all", "mall=1234", ""]}
        assert sorted(resolver.txt("a.test")) == ["", "mall=1234", "v=spf1 -all"]

    def test_the_strings_of_a_long_text_are_joined(self, resolver, zone):
        zone["a.test"] = {"TXT": ["x" * 300 + "y"]}
        zone["b.test"] = {"TXT": [("mall=", "12", "34")]}
        assert resolver.txt("a.test") == ["x" * 300 + "y"]
        assert resolver.txt("b.test") == ["mall=1234"]

    def test_texts_beyond_one_packet_come_whole(self, resolver, zone):
        texts = [f"{number}" * 400 for number in range(10)]
        zone["a.test"] = {"TXT": texts}
        assert sorted(resolver.txt("a.test")) == texts

    def test_a_text_keeps_its_quotes_backslashes_and_letters(self, resolver, zone):
        zone["a.test"] = {"TXT": ['say "mall\\1"; Bücher']}
        assert resolver.txt("a.test") == ['say "mall\\1"; Bücher']

    def test_bytes_that_are_no_text_do_not_hide_the_other_texts(self, resolver, zone):
        zone["a.test"] = {"TXT": [b"\xff\x00", "mall=1234"]}
        assert "mall=1234" in resolver.txt("a.test")

    def test_at_a_name_that_does_not_exist_there_is_nothing(self, resolver, zone):
        zone["a.test"] = {"TXT": ["mall=1234"], "A": ["192.0.2.1"]}
        assert resolver.txt("nowhere.test") == []
        assert resolver.addresses("nowhere.test") == frozenset()

    def test_a_name_with_an_address_may_have_no_text(self, resolver, zone):
        zone["a.test"] = {"A": ["192.0.2.1"]}
        assert resolver.txt("a.test") == []

    def test_a_name_with_a_text_may_have_no_address(self, resolver, zone):
        zone["a.test"] = {"TXT": ["mall=1234"]}
        assert resolver.addresses("a.test") == frozenset()

    def test_addresses_are_of_both_families(self, resolver, zone):
        zone["a.test"] = {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1"]}
        assert resolver.addresses("a.test") == {"192.0.2.1", "192.0.2.2", "2001:db8::1"}

    def test_an_address_may_be_of_the_new_family_alone_and_is_written_short(self, resolver, zone):
        zone["a.test"] = {"AAAA": ["2001:DB8:0:0:0:0:0:1"]}
        assert resolver.addresses("a.test") == {"2001:db8::1"}

    def test_addresses_are_found_over_aliases(self, resolver, zone):
        zone["shop.test"] = {"CNAME": "edge.test"}
        zone["edge.test"] = {"CNAME": "mall.test"}
        zone["mall.test"] = {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}
        assert resolver.addresses("shop.test") == {"192.0.2.1", "2001:db8::1"}

    def test_texts_are_found_over_an_alias(self, resolver, zone):
        zone["_mall-verify.shop.test"] = {"CNAME": "proofs.test"}
        zone["proofs.test"] = {"TXT": ["mall=1234"]}
        assert resolver.txt("_mall-verify.shop.test") == ["mall=1234"]

    def test_an_alias_to_nowhere_leads_to_nothing(self, resolver, zone):
        zone["shop.test"] = {"CNAME": "gone.test"}
        assert resolver.txt("shop.test") == []
        assert resolver.addresses("shop.test") == frozenset()

    def test_aliases_in_a_circle_are_no_answer(self, resolver, zone):
        zone["a.test"] = {"CNAME": "b.test"}
        zone["b.test"] = {"CNAME": "a.test"}
        with pytest.raises(ResolverUnavailableError):
            resolver.addresses("a.test")

    @pytest.mark.parametrize("failure", [SERVFAIL, REFUSED, SILENCE])
    def test_no_answer_is_not_nothing(self, resolver, zone, failure):
        zone["dead.test"] = failure
        resolver.lifetime = SOON
        with pytest.raises(ResolverUnavailableError, match=r"TXT of 'dead\.test'"):
            resolver.txt("dead.test")
        with pytest.raises(ResolverUnavailableError, match=r"A of 'dead\.test'"):
            resolver.addresses("dead.test")

    def test_a_name_is_the_same_in_capitals_and_with_a_final_dot(self, resolver, zone):
        zone["a.test"] = {"TXT": ["Mall=ABC"], "A": ["192.0.2.1"]}
        assert resolver.txt("A.TEST") == ["Mall=ABC"]
        assert resolver.addresses("A.Test.") == {"192.0.2.1"}

    def test_an_international_name_is_asked_in_its_ascii_form(self, resolver, zone):
        zone["xn--bcher-kva.test"] = {"TXT": ["mall=1234"], "A": ["192.0.2.1"]}
        assert resolver.txt("xn--bcher-kva.test") == ["mall=1234"]
        assert resolver.addresses("xn--bcher-kva.test") == {"192.0.2.1"}

    @pytest.mark.parametrize("name", ["x" * 64 + ".test", ".".join(["x" * 60] * 5), "a..test"])
    def test_at_what_can_be_no_name_there_is_nothing(self, resolver, name):
        assert resolver.txt(name) == []
        assert resolver.addresses(name) == frozenset()

    def test_a_change_is_seen_at_once(self, resolver, zone):
        zone["a.test"] = {"TXT": ["before"]}
        assert resolver.txt("a.test") == ["before"]
        zone["a.test"] = {"TXT": ["after"]}
        assert resolver.txt("a.test") == ["after"]
        del zone["a.test"]
        assert resolver.txt("a.test") == []


class TestTheSystems:
    def test_a_truncated_answer_is_asked_for_again_over_tcp(self, system, server):
        server.zone["a.test"] = {"TXT": ["x" * 2000]}
        system.txt("a.test")
        assert server.asked == [("a.test.", "TXT", "udp"), ("a.test.", "TXT", "tcp")]

    def test_a_name_is_asked_as_it_is_and_once(self, system, server):
        system.txt("nowhere")
        assert server.asked == [("nowhere.", "TXT", "udp")]

    def test_silence_is_given_up_in_time_after_asking_again(self, system, server, monkeypatch):
        """Its time goes by as it asks: each question takes as long as it is waited for."""
        server.zone["a.test"] = SILENCE
        system.lifetime = SOON
        each = system.new_stub().timeout
        clock = SimpleNamespace(time=lambda: each * len(server.asked), sleep=lambda seconds: time.sleep(0.01))
        monkeypatch.setattr("dns.resolver.time", clock)
        with pytest.raises(ResolverUnavailableError, match="lifetime expired"):
            system.addresses("a.test")
        assert len(server.asked) > 1
        assert {kind for _name, kind, _way in server.asked} == {"A"}

    def test_a_question_takes_three_seconds_at_most(self, system):
        assert SystemResolver().new_stub().lifetime == 3

    def test_where_one_name_server_is_out_of_order_the_next_one_answers(self, server, settings):
        server.zone["a.test"] = {"TXT": ["mall=1234"]}
        with NameServer({"a.test": SERVFAIL}) as broken:
            settings.SESSIONS_FARM_COMMUNITIES = {"NAMESERVERS": (broken.address, server.address)}
            assert SystemResolver(lifetime=LATE).txt("a.test") == ["mall=1234"]
            assert broken.asked

    def test_where_nobody_listens_there_is_no_answer(self, settings):
        pytest.importorskip("dns")
        with NameServer() as gone:
            settings.SESSIONS_FARM_COMMUNITIES = {"NAMESERVERS": (gone.address,)}
        with pytest.raises(ResolverUnavailableError):
            SystemResolver(lifetime=SOON).txt("a.test")

    def test_without_name_servers_in_the_settings_the_systems_own_are_asked(self, settings, tmp_path):
        pytest.importorskip("dns")
        settings.SESSIONS_FARM_COMMUNITIES = {}
        conf = tmp_path / "resolv.conf"
        conf.write_text("search elsewhere.test\nnameserver 192.0.2.53\n")
        resolver = SystemResolver(resolv_conf=str(conf))
        assert resolver.new_stub().nameservers == ["192.0.2.53"]
        conf.write_text("nameserver 192.0.2.54\n")
        assert resolver.new_stub().nameservers == ["192.0.2.54"], "not seen without a restart"

    def test_with_name_servers_in_the_settings_the_systems_are_not_needed(self, server, system, tmp_path):
        server.zone["a.test"] = {"TXT": ["mall=1234"]}
        resolver = SystemResolver(lifetime=LATE, resolv_conf=str(tmp_path / "none"))
        assert resolver.txt("a.test") == ["mall=1234"]

    @pytest.mark.parametrize("text", [None, "search elsewhere.test\n"])
    def test_a_system_without_name_servers_gives_no_answer(self, settings, tmp_path, text):
        pytest.importorskip("dns")
        settings.SESSIONS_FARM_COMMUNITIES = {}
        conf = tmp_path / "resolv.conf"
        if text is not None:
            conf.write_text(text)
        with pytest.raises(ResolverUnavailableError, match="NAMESERVERS"):
            SystemResolver(resolv_conf=str(conf)).txt("a.test")

    def test_without_dnspython_it_says_how_to_get_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "dns.resolver", None)  # importing it fails, as where it is not installed
        monkeypatch.setitem(sys.modules, "dns", None)
        with pytest.raises(ImproperlyConfigured, match="pip install dnspython"):
            SystemResolver()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_a_name_server_is_an_address_with_or_without_a_port(text, place):
    assert parse_nameserver(text) == place


@pytest.mark.parametrize("text", ["", "dns.test", "dns.test:53", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536"])
def test_what_can_be_no_name_server_is_refused(text, settings):
    pytest.importorskip("dns")
    settings.SESSIONS_FARM_COMMUNITIES = {"NAMESERVERS": (text,)}
    with pytest.raises(ImproperlyConfigured, match="NAMESERVERS"):
        SystemResolver()


class TestTheCurrentOne:
    def test_it_is_the_systems_where_nothing_is_said(self, settings):
        pytest.importorskip("dns")
        settings.SESSIONS_FARM_COMMUNITIES = {}
        assert isinstance(current_resolver(), SystemResolver)

    def test_it_is_the_one_that_the_settings_name(self, settings, monkeypatch):
        settings.SESSIONS_FARM_COMMUNITIES = {
            "RESOLVER": "sessions_farm.communities.tests.support.name_server.MemoryResolver"
        }
        monkeypatch.setitem(ZONE, "a.test", {"TXT": ["mall=1234"]})
        assert current_resolver().txt("a.test") == ["mall=1234"]

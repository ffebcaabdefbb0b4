"""Which client sent a request: networks, pages asked for in advance."""

import pytest
from django.test import RequestFactory

from sessions_farm.web.clients import client_key, is_prefetch, network_of, telling_network_of


def request_from(address, **headers):
    return RequestFactory().get("/", REMOTE_ADDR=address, headers=headers)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("::ffff:c000:207", "192.0.2.7/32"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_network_of_address_and_request(address, network):
    assert network_of(address) == network
    assert network_of(request_from(address)) == network


def test_network_has_the_width_that_is_asked_for():
    assert network_of("::ffff:192.0.2.7", ipv4_bits=24) == "192.0.2.0/24"
    assert network_of("2001:db8:1:2::3", ipv6_bits=48) == "2001:db8:1::/48"


def test_ipv4_clients_of_a_dual_stack_socket_are_told_apart():
    keys = {client_key(request_from(f"::ffff:192.0.2.{number}")) for number in range(5)}
    assert len(keys) == 5
    assert client_key(request_from("::ffff:192.0.2.1")) == client_key(request_from("192.0.2.1"))


def test_key_differs_by_browser_and_holds_no_address():
    one, other = (client_key(request_from("192.0.2.1", **{"User-Agent": name})) for name in ("Firefox", "Chrome"))
    assert one != other
    assert "192.0.2.1" not in one


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Sec-Purpose": "prefetch"}, True),
        ({"Sec-Purpose": "prefetch;prerender"}, True),
        ({"Sec-Purpose": "prefetch;anonymous-client-ip"}, True),
        ({"Purpose": "prefetch"}, True),
        ({"Purpose": "prerender"}, True),
        ({"X-Moz": "prefetch"}, True),
        ({"X-Purpose": "preview"}, True),
        ({"Sec-Purpose": ""}, False),
        ({"Sec-Fetch-Mode": "navigate"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_page_that_is_asked_for_in_advance(headers, expected):
    assert is_prefetch(request_from("192.0.2.1", **headers)) is expected


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("2001:db8:1:2::3", "2001:db8:1:2::/64"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("10.1.2.3", ""),
        ("172.31.0.1", ""),
        ("192.168.1.1", ""),
        ("::ffff:192.168.1.1", ""),
        ("100.64.0.1", ""),
        ("fd00::1", ""),
        ("fe80::1", ""),
        ("", ""),
    ],
)
def test_network_tells_nothing_where_a_balancer_may_hide_its_clients(address, network):
    assert telling_network_of(address) == network
    assert telling_network_of(request_from(address)) == network

"""Which client sent a request: networks, robots, pages asked for in advance."""

import pytest
from django.test import RequestFactory

from sessions_farm.web.clients import client_key, is_bot, is_prefetch, network_of


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


BOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Pingdom.com_bot_version_1.4",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp)",
    "Mozilla/5.0 AppleWebKit/534 BingPreview/1.0b",
    "Screaming Frog SEO Spider/20.0",
    "CCBot/2.0 (https://commoncrawl.org/faq/)",
    "ia_archiver crawler",
    "facebookexternalhit/1.1",
    "Embedly/0.2",
    "Mozilla/5.0 Chrome/130 Chrome-Lighthouse",
    "SiteMonitor/3.1",
    "curl/8.5",
    "Wget/1.21",
    "python-requests/2.32",
    "Go-http-client/2.0",
    "okhttp/4.9",
    "axios/1.7",
]
BROWSERS = [
    "",
    "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
    "Mozilla/5.0 (Linux; Android 10; CUBOT P40) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus Build/PPR1) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 11; Cubot) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
    "Mozilla/5.0 (Macintosh) Botswana-Bookstore-Browser/1.0",
]


@pytest.mark.parametrize("user_agent", BOTS)
def test_robot_is_named_as_one(user_agent):
    assert is_bot(user_agent)


@pytest.mark.parametrize("user_agent", BROWSERS)
def test_browser_is_no_robot(user_agent):
    assert not is_bot(user_agent)


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

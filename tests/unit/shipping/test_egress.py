"""The egress guard's corpus: what may be dialled and what may not, by whatever spelling or answer it comes."""

import asyncio
import ipaddress
import json
import socket
from asyncio import selector_events

import asyncssh
import pytest

from shipping import egress
from shipping.envelope import SigningKey
from shipping.transports.base import DispatchPayload, Endpoint, TransportError
from shipping.transports.email import EmailTransport
from shipping.transports.files.ftp import DialledFtp
from shipping.transports.files.sftp import SftpTransport
from shipping.transports.http import HttpTransport

KEY = "csg_" + "0" * 32 + "_r1"
ORDER = {
    "v": 1, "action": "ship", "key": KEY, "revision": 1, "order": "M-1", "consignment": "M-1-1", "currency": "EUR",
    "delivery": {"method": "standard", "charge": "1"}, "goods_total": "1", "total": "1", "lines": [],
    "address": dict.fromkeys(("name", "line1", "line2", "postcode", "town", "country"), "x"),
    "contact": {"email": "x", "phone": "x"},
}  # fmt: skip

REFUSED = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9"),
    *("192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::7f00:1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
    *(
        "2001:0:7f00:1::",
        "2001:db8::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "5f00::1",
    ),
    *("100::1", "100:0:0:1::1", "4000::1"),
    # IANA's special-purpose registries, each block by its first and last address; ``is_global`` lets some through.
    *("192.0.0.8", "192.0.0.9", "192.0.0.10", "192.0.0.170", "192.31.196.1", "192.52.193.1", "192.175.48.1"),
    *("198.19.255.255", "100.127.255.255", "192.88.99.255", "172.31.0.0", "0.255.255.255", "255.255.255.254"),
    *("2001::1", "2001:1::1", "2001:1::2", "2001:1::3", "2001:2::1", "2001:3::1", "2001:4:112::1", "2001:5::1"),
    *("2001:10::1", "2001:1f:ffff::1", "2001:20::1", "2001:2f:ffff::1", "2001:30::1", "2001:3f:ffff::1"),
    *("2001:1ff:ffff::1", "2001:db8:ffff::1", "2002::1", "2002:ffff:ffff::1", "2620:4f:8000::1"),
    *("3ffe::1", "3ffe:ffff::1", "3fff::1", "3fff:fff::1", "64:ff9b::1", "64:ff9b:1:ffff::1", "fdff::1", "febf::1"),
    # 127.0.0.1, 10.0.0.1 and the metadata service inside other addresses
    *("::ffff:0:127.0.0.1", "::ffff:7f00:1", "::ffff:a00:1", "::a00:1", "::a9fe:a9fe", "64:ff9b::a00:1"),
    *("64:ff9b:1::a9fe:a9fe", "2002:a00:1::", "2002:c0a8:1::1", "2001:0:a00:1::", "fe80::7f00:1", "ff02::7f00:1"),
    *("::ffff:172.16.0.1", "::ffff:192.168.0.1", "64:ff9b::c0a8:1", "2002:ac10:1::1", "fe80::a9fe:a9fe"),
    # more private ones, and metadata services that have addresses of their own
    *("10.255.255.255", "172.20.0.1", "192.168.255.255", "169.254.0.1", "100.100.100.200", "192.0.0.192"),
    *("fd00:ec2::254", "169.254.170.2"),
    *("::ffff:100.64.0.1", "::ffff:192.0.0.9", "::ffff:224.0.0.1", "::ffff:255.255.255.255", "::ffff:0.0.0.0"),
]
SPELLINGS = ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "localhost", "LOCALHOST.", "x.localhost", "::1"]
ALLOWED = [
    *("93.184.215.14", "8.8.8.8", "1.1.1.1", "192.0.1.1", "192.31.197.1", "198.20.0.1", "::ffff:8.8.8.8"),
    *("2606:4700:4700::1111", "2a00:1450:400b:c01::5e", "2001:200::1", "2001:4860:4860::8888", "2620:4f:8001::1"),
]


def dial(host, port):
    asyncio.run(egress.dial(host, port)).close()


def addresses_of(host, port):
    return asyncio.run(egress.addresses_of(host, port))


@pytest.mark.parametrize("address", REFUSED)
def test_address_that_is_not_public_is_refused(address):
    assert not egress.is_allowed(ipaddress.ip_address(address), [])


@pytest.mark.parametrize("address", ALLOWED)
def test_public_address_is_allowed(address):
    assert egress.is_allowed(ipaddress.ip_address(address), [])


@pytest.mark.parametrize("host", SPELLINGS)
def test_spellings_of_loopback_are_refused(host, settings):
    settings.EGRESS_ALLOW = []
    with pytest.raises(egress.EgressRefusedError):
        dial(host, 80)


@pytest.mark.parametrize("host", ["a.b.localhost", "fowlers.localhost.", "Localhost"])
def test_localhost_names_are_ours_to_answer(host):
    assert egress.resolve(host, 80) == [ipaddress.ip_address("127.0.0.1")]


@pytest.fixture
def answers(monkeypatch):
    """A resolver that gives one list of addresses after the other, as a rebinding name server does."""

    def give(*lists):
        rest = list(lists)

        def lookup(host, port, **_):
            found = rest.pop(0) if len(rest) > 1 else rest[0]
            return [
                (socket.AF_INET6 if ":" in address else socket.AF_INET, 1, 6, "", (address, port)) for address in found
            ]

        monkeypatch.setattr(socket, "getaddrinfo", lookup)

    return give


@pytest.mark.parametrize(
    "found",
    [["93.184.215.14", "127.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["8.8.8.8", "::ffff:127.0.0.1"], ["8.8.8.8", "ff02::1"]],
)
def test_one_bad_answer_among_good_ones_refuses_the_name(found, answers, settings):
    settings.EGRESS_ALLOW = []
    answers(found)
    with pytest.raises(egress.EgressRefusedError):
        addresses_of("vendor.example", 443)
    answers(found[:1] if found[0] != "10.0.0.1" else found[1:])  # the control: without the bad one it is let through
    assert addresses_of("vendor.example", 443)


def test_the_address_that_was_checked_is_the_one_dialled(answers, monkeypatch, settings):
    settings.EGRESS_ALLOW = []
    dialled = []

    async def connect(loop, sock, address):
        dialled.append(address[0])
        raise ConnectionRefusedError

    answers(["93.184.215.14"], ["127.0.0.1"])  # good when checked, bad if anybody asked again
    monkeypatch.setattr(selector_events.BaseSelectorEventLoop, "sock_connect", connect)
    with pytest.raises(ConnectionRefusedError):
        dial("rebind.example", 443)
    assert dialled == ["93.184.215.14"]


@pytest.mark.parametrize(
    ("allow", "allowed"),
    [(["127.0.0.0/8"], True), (["127.0.0.1/32"], True), (["10.0.0.0/8"], False), (["::1/128"], False)],
)
def test_allow_list_opens_only_its_blocks(allow, allowed, settings):
    settings.EGRESS_ALLOW = allow
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if allowed:
            dial("x.localhost", port)
        else:
            with pytest.raises(egress.EgressRefusedError):
                dial("x.localhost", port)


DIALERS = {
    "http": lambda host: (HttpTransport, {"url": f"http://{f'[{host}]' if ':' in host else host}:80/"}),
    "https": lambda host: (HttpTransport, {"url": f"https://{f'[{host}]' if ':' in host else host}/"}),
    "smtp": lambda host: (EmailTransport, {"to": "a@b.example", "smtp_host": host}),
    "sftp": lambda host: (SftpTransport, {"host": host, "user": "x", "host_key": HOST_KEY}),
}
HOST_KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
SECRETS = {"secret": "whsec_" + "A" * 44, "password": "x"}


@pytest.mark.parametrize("dialer", DIALERS)
def test_no_dialer_reaches_an_address_that_is_not_public(dialer, monkeypatch, settings):
    """Every transport, every address of the corpus, sending and trying out: no connection is begun."""
    settings.EGRESS_ALLOW = []
    dialled = []

    async def connect(loop, sock, address):
        dialled.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(selector_events.BaseSelectorEventLoop, "sock_connect", connect)

    async def send_to(host):
        kind, config = DIALERS[dialer](host)
        transport, endpoint = kind(), Endpoint(config, SECRETS, (SigningKey.generate("fowlers"),))
        body = json.dumps(ORDER).encode()
        for talk in (transport.send(DispatchPayload(KEY, body, "0" * 64, 1), endpoint), transport.try_out(endpoint)):
            with pytest.raises(TransportError) as refusal:
                await talk
        return refusal.value

    refused = [asyncio.run(send_to(host)) for host in (*REFUSED, *SPELLINGS)]
    assert len(refused) >= 117
    assert all(error.hold and "not a public address" in str(error) for error in refused)
    assert dialled == []
    assert not asyncio.run(send_to("93.184.215.14")).hold, "the control: a public one is dialled"
    assert dialled


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_impossible_port_is_refused(port):
    with pytest.raises(egress.EgressRefusedError):
        dial("x.localhost", port)


def test_data_connection_of_ftp_goes_where_the_first_one_went():
    """A server that names another address in its answer to PASV leads nobody there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        with theirs, ours:
            client = DialledFtp("ftp.example", ours)
            theirs.sendall(b"227 Entering Passive Mode (169,254,169,254,31,64)\r\n")
            assert client.makepasv() == ("127.0.0.1", 31 * 256 + 64)
            client.close()

"""What people type for a host is read as the registry keeps it, or refused in words."""

import pytest

from sessions_farm.communities.errors import InvalidHostnameError
from sessions_farm.communities.hostnames import Hostname, normalize_hostname

TYPED = {
    "shop.example": ("shop.example", False),
    "  Shop.Example ": ("shop.example", False),
    "shop.example.": ("shop.example", False),
    "Käse.Example.": ("xn--kse-qla.example", False),
    "XN--KSE-QLA.example": ("xn--kse-qla.example", False),
    "https://shop.example/": ("shop.example", False),
    "http://Shop.Example:8000/tea?x=1#y": ("shop.example", False),
    "shop.example:443": ("shop.example", False),
    "shop.example/": ("shop.example", False),
    "*.shops.example": ("shops.example", True),
    "https://*.Käse.example./": ("xn--kse-qla.example", True),
    "localhost": ("localhost", False),
}
MISTYPED = {
    "": "no host name",
    "a.test b.test": "no host name",
    "a.test, b.test": "no host name",
    "a..test": "no host name",
    "a_b.test": "no host name",
    "-a.test": "no host name",
    "*": "no host name",
    "*shops.example": "no host name",
    "a.*.example": "no host name",
    "*.*.example": "no host name",
    "[::1": "no host name",
    "[::1]:8000": "is an IP address",
    "192.0.2.7": "is an IP address",
    "https://192.0.2.7:8000/": "is an IP address",
    "0x7f.1": "is an IP address",
    "shop.127": "is an IP address",
    "2130706433": "is an IP address",
    f"{'a' * 64}.test": "no host name",
    ".".join(["a" * 60] * 5): "no host name",
    "info@shop.example": "names a person",
    "https://me:secret@shop.example/": "names a person",
    "shop.example/tea": "more than a host",
    "https:/shop.example": "more than a host",
    "ftp://shop.example": "no address of the web",
    "shop.example:tea": "wrong port",
    "shop.example:99999": "wrong port",
    "straße.example": "two names",
    "STRAẞE.example": "two names",
    "אa.example": "xn--",
}


@pytest.mark.parametrize("typed", TYPED)
def test_host_is_read_as_people_type_it(typed):
    assert normalize_hostname(typed) == Hostname(*TYPED[typed])


@pytest.mark.parametrize("typed", MISTYPED)
def test_what_names_no_host_is_refused_with_what_was_typed(typed):
    with pytest.raises(InvalidHostnameError, match=MISTYPED[typed]) as refused:
        normalize_hostname(typed)
    assert typed in str(refused.value)

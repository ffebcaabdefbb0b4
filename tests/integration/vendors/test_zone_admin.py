"""The pages on which a shop says where it delivers, and on which days its goods leave."""

from datetime import date, time

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse

from tests.support.html import form_data, words_of
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.models import DeliveryZone

LIST, ADD = "admin:vendors_deliveryzone_changelist", "admin:vendors_deliveryzone_add"


@pytest.fixture
def side(db):
    return make_side("Amber", make_marketplace())


@pytest.fixture
def packer(side):
    return client_of(side.staff["orders"])


def client_of(user):
    client = Client(headers={"host": MASTER})
    client.force_login(user)
    return client


def add(client, **fields):
    data = form_data(client.get(reverse(ADD))) | {"name": "Zone", "countries": ["FR"], "standard_charge": "5"}
    return client.post(reverse(ADD), data | fields)


def change_shop(client, vendor, **fields):
    url = reverse("admin:vendors_vendor_change", args=[vendor.pk])
    return client.post(url, form_data(client.get(url)) | fields)


def test_who_packs_adds_a_zone_and_finds_it_in_the_list(side, packer):
    fields = {"name": "Highlands", "countries": ["GB"], "postcodes": "iv, kw;HS  zE iv", "free_from": "90,50"}
    assert add(packer, **fields).status_code == 302
    zone = DeliveryZone.objects.get(name="Highlands")
    assert (zone.vendor, zone.postcodes, zone.standard_charge) == (side.vendor, "IV KW HS ZE", 500)
    page = words_of(packer.get(reverse(LIST)))
    assert "United Kingdom: IV KW HS ZE" in page
    assert "€5.00, free from €90.50" in page
    assert "Amber & Co sends on Monday to Friday: what is ordered before 14:00 leaves on the same day." in page
    assert "Change the days" not in page, "that is the owner's"
    assert "Change the days" in words_of(client_of(side.staff["owner"]).get(reverse(LIST)))
    assert LogEntry.objects.get_for_object(zone).get().actor == side.staff["orders"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"countries": []}, "Choose one country or more."),
        ({"countries": ["FR", "GB"]}, "United Kingdom is in the zone “Amber country” already."),
        ({"countries": ["FR", "DE"], "postcodes": "35"}, "Postcodes are of one country"),
        ({"postcodes": "35*"}, "“35*” is no beginning of a postcode."),
        ({"standard_days_from": 5, "standard_days_until": 4}, "takes until an earlier day than from"),
        ({"name": "Amber country"}, "This shop has a zone of this name already."),
        ({"standard_charge": "much"}, "is no amount"),
    ],
)
def test_what_cannot_be_is_refused_in_words(packer, fields, words):
    answer = add(packer, **fields)
    assert answer.status_code == 200
    assert words in words_of(answer)
    assert DeliveryZone.objects.count() == 1


def test_a_part_of_a_country_stands_beside_the_whole_and_not_twice(packer):
    assert add(packer, name="Islands", countries=["GB"], postcodes="HS ZE").status_code == 302
    assert add(packer, name="Skye", countries=["GB"], postcodes="HS1").status_code == 302
    assert "ZE is in the zone “Islands” already." in words_of(
        add(packer, name="Shetland", countries=["GB"], postcodes="ZE KW")
    )


def test_a_zone_without_charges_is_not_delivered_to(packer):
    assert add(packer, standard_charge="").status_code == 302
    assert "not delivered" in words_of(packer.get(reverse(LIST)))


def test_other_roles_do_not_see_zones(side):
    for role in ("catalogue", "support"):
        assert client_of(side.staff[role]).get(reverse(LIST)).status_code == 403


def test_the_owner_says_when_goods_leave(side):
    owner = client_of(side.staff["owner"])
    lines = "2026-12-24 to 2026-12-27\n\n2027-01-01"
    answer = change_shop(owner, side.vendor, sending_days=["1", "4"], cut_off="11:30", closed_days=lines)
    assert answer.status_code == 302, words_of(answer)
    side.vendor.refresh_from_db()
    assert (side.vendor.sending_days, side.vendor.cut_off) == ([1, 4], time(11, 30))
    holidays = [date(2026, 12, day) for day in (24, 25, 26, 27)]
    assert side.vendor.closed_days == [*holidays, date(2027, 1, 1)]
    page = owner.get(reverse("admin:vendors_vendor_change", args=[side.vendor.pk])).content.decode()
    assert "2026-12-24 to 2026-12-27\n2027-01-01" in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"sending_days": []}, "Choose one day or more"),
        ({"closed_days": "Christmas"}, "“Christmas” is no day; write it like 2026-12-24"),
        ({"closed_days": "2027-01-02 to 2027-01-01"}, "ends before it begins"),
        ({"closed_days": "2027-01-01 to 9999-01-01"}, "takes longer than a year"),
        ({"time_zone": "Europe/Atlantis"}, "“Europe/Atlantis” is no time zone"),
    ],
)
def test_what_is_no_day_is_refused_in_words(side, fields, words):
    answer = change_shop(client_of(side.staff["owner"]), side.vendor, **fields)
    assert answer.status_code == 200
    assert words in words_of(answer)

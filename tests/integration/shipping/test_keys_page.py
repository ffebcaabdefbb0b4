"""The page on which a department's keys are made, shown once, and retired."""

import re

import pytest
from auditlog.models import LogEntry as AuditEntry
from django.db import IntegrityError, transaction
from django.urls import reverse

from shipping import envelope
from shipping.models import Department, VendorKey
from tests.integration.shipping.test_admin import sign_in  # noqa: F401 -- signs staff in

LINE = re.compile(r"fowlers hmac-sha256 [A-Za-z0-9+/=]{44}")


@pytest.fixture
def owner(vendor, sign_in):  # noqa: F811
    return sign_in(vendor, "owner")


@pytest.fixture
def page(owner):
    """The page of a department that its owner has just made."""
    owner.post(reverse("admin:shipping_department_add"), {"name": "Shipping"})
    return reverse("admin:shipping_department_keys", args=[Department.objects.get().pk])


def test_department_has_a_key_from_its_first_day_and_a_way_to_the_page(page, owner):
    assert VendorKey.objects.signing().count() == 1
    change = owner.get(reverse("admin:shipping_department_change", args=[Department.objects.get().pk]))
    assert f'href="{page}"' in change.content.decode()
    assert "mk_" in owner.get(page).content.decode()


def test_key_is_shown_once_and_the_old_one_retired(page, owner):
    (old,) = VendorKey.objects.signing()
    made = owner.post(page, {"button": "make"})
    (line,) = LINE.findall(made.content.decode())
    key = envelope.SigningKey.parse(line)
    assert {row.key_id for row in VendorKey.objects.signing()} == {old.key_id, key.key_id}
    assert made.headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert not LINE.search(owner.get(page).content.decode()), "never again"
    assert "Two keys sign already" in owner.post(page, {"button": "make"}, follow=True).content.decode()
    assert "signs no more" in owner.post(page, {"retire": old.key_id}, follow=True).content.decode()
    assert [row.key_id for row in VendorKey.objects.signing()] == [key.key_id]
    assert "It is the only key" in owner.post(page, {"retire": key.key_id}, follow=True).content.decode()
    assert "signs no more" in owner.post(page, {"retire": old.key_id}, follow=True).content.decode()
    old.refresh_from_db()
    assert "retired_at" in AuditEntry.objects.get_for_object(old).first().changes
    assert line.split()[2] not in str(list(VendorKey.objects.values_list("encrypted_secret", flat=True)))


@pytest.mark.parametrize("role", ["orders", "catalogue", "support"])
def test_only_owners_make_keys(role, page, vendor, sign_in):  # noqa: F811
    client = sign_in(vendor, role)
    assert client.get(page).status_code in {403, 404}
    assert client.post(page, {"button": "make"}).status_code in {403, 404}
    assert VendorKey.objects.count() == 1


def test_keys_of_another_shop_are_out_of_reach(page, make_vendor, sign_in):  # noqa: F811
    rival = sign_in(make_vendor("rival"), "owner")
    (key,) = VendorKey.objects.all()
    assert rival.get(page).status_code == 404
    assert rival.post(page, {"button": "make"}).status_code == 404
    rival.post(reverse("admin:shipping_department_add"), {"name": "Shipping"})
    theirs = reverse("admin:shipping_department_keys", args=[Department.objects.get(vendor__slug="rival").pk])
    assert "signs no more" in rival.post(theirs, {"retire": key.key_id}, follow=True).content.decode()
    assert VendorKey.objects.signing().filter(pk=key.pk).exists()


def test_third_key_and_a_key_without_a_slot_are_refused_by_the_database(page):
    (first,) = VendorKey.objects.all()
    for changes in ({"slot": 1}, {"slot": 3}, {"slot": None}, {"slot": 2, "retired_at": first.created_at}):
        with pytest.raises(IntegrityError), transaction.atomic():
            VendorKey.objects.create(vendor=first.vendor, key_id="mk_other", encrypted_secret="x", **changes)

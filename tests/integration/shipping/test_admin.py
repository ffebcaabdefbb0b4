"""What vendor staff do with routes and dispatches in the admin."""

import json

import pytest
from auditlog.models import LogEntry as AuditEntry
from django.urls import reverse
from django.utils import timezone

from mall.accounts.models import User
from sessions_farm.communities.tests.support.registry_admin import FormClient
from shipping.drain import drain
from shipping.models import Dispatch, Route
from tests.support.html import form_data
from vendors.models import Membership


@pytest.fixture
def sign_in(marketplace):
    def go(vendor, role):
        user = User.objects.create_user(f"{vendor.slug}-{role}@example.org", "secret", name=role, is_staff=True)
        Membership.objects.create(vendor=vendor, user=user, role=role)
        client = FormClient(headers={"host": "mall.localhost"})
        client.force_login(user)
        return client

    return go


@pytest.fixture
def dead(vendor, route_to, scripted, place_order, dispatch_of):
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    row = dispatch_of(place_order(vendor))
    Dispatch.objects.filter(pk=row.pk).update(state="dead", next_at=None, reason="Refused (422)")
    return row


def act(client, model, action, row):
    name = reverse(f"admin:shipping_{model}_changelist")
    shown = form_data(client.get(name)).get("shown", "")
    data = {"action": action, "index": 0, "shown": shown, "_selected_action": row.pk}
    return client.post(name, data, follow=True)


def test_dead_dispatch_is_sent_again_and_it_is_written_down(dead, vendor, sign_in, scripted):
    scripted.answers = [scripted.ack()]
    client = sign_in(vendor, "orders")
    page = client.get(reverse("admin:shipping_dispatch_change", args=[dead.pk])).content.decode()
    assert "Refused (422)" in page
    assert "TEA-1" in page
    assert "1 of 1 done" in act(client, "dispatch", "redrive", dead).content.decode()
    assert drain() == {"acked": 1}
    assert "1 × It is not dead, so it goes by itself." in act(client, "dispatch", "redrive", dead).content.decode()
    assert AuditEntry.objects.get_for_object(dead).get().changes == {"state": ["dead", "ready"]}


def test_dispatch_of_another_vendor_is_not_sent_again(dead, make_vendor, sign_in):
    act(sign_in(make_vendor("thistle"), "orders"), "dispatch", "redrive", dead)
    dead.refresh_from_db()
    assert dead.state == "dead"


def test_dispatch_cannot_be_changed_or_made_by_hand(dead, vendor, sign_in):
    client = sign_in(vendor, "owner")
    change = reverse("admin:shipping_dispatch_change", args=[dead.pk])
    assert client.post(change, {"state": "acked"}).status_code == 403
    assert client.get(reverse("admin:shipping_dispatch_add")).status_code == 403
    assert client.post(reverse("admin:shipping_dispatch_delete", args=[dead.pk]), {"post": "yes"}).status_code == 403


def form_of(route, **changes):
    values = {"department": route.department_id, "rank": 1, "transport": "http", "new_secrets": ""}
    return values | {"config": json.dumps(route.config)} | changes


def test_owner_changes_a_route_without_seeing_its_secrets(dead, vendor, sign_in, scripted):
    route = dead.route
    client = sign_in(vendor, "owner")
    change = reverse("admin:shipping_route_change", args=[route.pk])
    assert scripted.secret not in client.get(change).content.decode()
    assert client.post(change, form_of(route, config='{"url": "https://new.example/"}')).status_code == 302
    route.refresh_from_db()
    assert (route.config["url"], route.secrets["secret"]) == ("https://new.example/", scripted.secret)
    fresh = "whsec_" + "A" * 44
    client.post(change, form_of(route, new_secrets=json.dumps({"secret": fresh})))
    route.refresh_from_db()
    assert route.secrets == {"secret": fresh}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"config": "{}"}, "Missing: url"),
        ({"config": '{"url": "https://a.example", "proxy": "x"}'}, "Not known here: proxy"),
        ({"config": '["https://a.example"]'}, "Write names and values"),
        ({"new_secrets": '{"secret": "whsec_c2hvcnQ="}'}, "give 24 to 64"),
        ({"new_secrets": '{"password": "x"}'}, "Missing: secret"),
        ({"transport": "sftp"}, "Missing: host, host_key, user"),
        ({"config": '{"url": "https://x.example/\\u0000"}'}, "NUL character"),
    ],
)
def test_route_that_cannot_work_is_refused(changes, complaint, dead, vendor, sign_in):
    change = reverse("admin:shipping_route_change", args=[dead.route_id])
    page = sign_in(vendor, "owner").post(change, form_of(dead.route, **changes))
    assert page.status_code == 200
    assert complaint in page.content.decode()


def test_held_route_is_put_back_into_use(vendor, route_to, place_order, scripted, sign_in, dispatch_of):
    route = route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    client = sign_in(vendor, "owner")
    act(client, "route", "hold", route)
    order = place_order(vendor)
    assert drain() == {}
    assert Route.objects.get().reason == "Held by hand."
    Dispatch.objects.update(state="held", next_at=timezone.now())
    assert "1 held dispatches are due now" in act(client, "route", "release", route).content.decode()
    drain()
    assert dispatch_of(order).state == "sent"

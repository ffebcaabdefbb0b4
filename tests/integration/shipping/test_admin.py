"""What vendor staff do with routes and dispatches in the admin."""

import html
import socket

import asyncssh
import pytest
from auditlog.models import LogEntry as AuditEntry
from django.urls import reverse
from django.utils import timezone

from mall.accounts.models import User
from sessions_farm.communities.tests.support.registry_admin import FormClient
from shipping.models import Department, Dispatch, Route
from shipping.runner import drain
from shipping.transports import CLASSES, get_transport
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
    chosen = row if isinstance(row, list) else row.pk
    data = {"action": action, "index": 0, "shown": shown, "_selected_action": chosen}
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


def test_acknowledged_dispatches_are_sent_once_more_in_bulk_and_change_nothing(
    http_department, vendor, route_to, place_order, sign_in, scripted
):
    route_to("http", {"url": http_department.url}, {"secret": http_department.secret})
    rows = [Dispatch.objects.get(consignment__order=place_order(vendor)) for _ in range(3)]
    assert drain() == {"acked": 3}
    first = Dispatch.objects.get(pk=rows[0].pk).acked_at
    client = sign_in(vendor, "orders")
    page = act(client, "dispatch", "replay", [row.pk for row in rows]).content.decode()
    assert "3 of 3 done" in page
    assert drain() == {"acked": 3}
    assert set(http_department.arrivals.values()) == {2}
    assert set(http_department.jobs.values()) == {1}
    rows[0].refresh_from_db()
    assert (rows[0].acked_at, rows[0].reason) == (first, "")
    change = client.get(reverse("admin:shipping_dispatch_change", args=[rows[0].pk])).content.decode()
    assert "It had it already; nothing changed there." in change
    assert AuditEntry.objects.get_for_object(rows[0]).get().changes == {"state": ["acked", "ready"]}


def test_replay_that_is_not_taken_stays_in_sight(vendor, route_to, place_order, sign_in, scripted, dispatch_of):
    scripted.answers = [scripted.ack(), (503, {}, b"closed")]
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    row = dispatch_of(place_order(vendor))
    drain()
    client = sign_in(vendor, "orders")
    act(client, "dispatch", "replay", row)
    assert drain() == {"retry": 1}
    row.refresh_from_db()
    assert (row.state, "503" in row.reason) == ("ready", True)
    assert "It is not acknowledged" in act(client, "dispatch", "replay", row).content.decode()


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
    values = {"department": route.department_id, "rank": 1, "ack_policy": "json", "secret": ""}
    return values | route.config | changes


def test_owner_changes_a_route_without_seeing_its_secrets(dead, vendor, sign_in, scripted):
    route = dead.route
    client = sign_in(vendor, "owner")
    change = reverse("admin:shipping_route_change", args=[route.pk])
    page = client.get(change).content.decode()
    assert scripted.secret not in page
    assert "Stored, and never shown again" in page
    answer = client.post(change, form_of(route, url="https://Bücher.example:8443/neu?x=1"))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    route.refresh_from_db()
    assert (route.config["url"], route.secrets["secret"]) == (
        "https://xn--bcher-kva.example:8443/neu?x=1",
        scripted.secret,
    )
    fresh = "whsec_" + "A" * 44
    client.post(change, form_of(route, secret=fresh, ack_policy="answer"))
    route.refresh_from_db()
    assert route.secrets == {"secret": fresh, "previous_secret": scripted.secret}
    assert route.ack_policy == "answer"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"url": ""}, "This field is required"),
        ({"url": "not an address"}, "is no address"),
        ({"url": "ftp://a.example/"}, "is no address"),
        ({"url": "https://u:p@a.example/"}, "holds a user name"),
        ({"url": "https://a..example/"}, "is no host’s name"),
        ({"url": "https://a.example:99999/"}, "is no address"),
        ({"url": "https://a.example/é"}, "as %XX"),
        ({"url": "https://x.example/\0"}, "Null characters"),
        ({"secret": "whsec_c2hvcnQ="}, "give 24 to 64"),
        ({"ack_policy": "file"}, "Select a valid choice"),
    ],
)
def test_http_route_that_cannot_work_is_refused(changes, complaint, dead, vendor, sign_in):
    change = reverse("admin:shipping_route_change", args=[dead.route_id])
    page = sign_in(vendor, "owner").post(change, form_of(dead.route, **changes))
    assert page.status_code == 200
    assert complaint in html.unescape(page.content.decode()).replace("'", "’")


HOST_KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
SFTP = {"host": "files.example.org", "user": "mall", "host_key": HOST_KEY, "password": "x", "ack_policy": "file"}
MAIL = {"to": "orders@example.org", "ack_policy": "person"}


@pytest.mark.parametrize(
    ("transport", "typed", "complaint"),
    [
        ("sftp", SFTP | {"host": "https://files.example.org"}, "is no host’s name"),
        ("sftp", SFTP | {"host": "-x.example"}, "is no host’s name"),
        ("sftp", SFTP | {"port": 70000}, "less than or equal to 65535"),
        ("sftp", SFTP | {"port": "ssh"}, "whole number"),
        ("sftp", SFTP | {"host_key": "ssh-ed25519 rubbish"}, "no public key"),
        ("sftp", SFTP | {"folder": "../../etc"}, "holds more than letters"),
        ("sftp", SFTP | {"password": ""}, "a password or a private key"),
        ("sftp", SFTP | {"private_key": "rubbish"}, "cannot be read"),
        ("email", MAIL | {"to": "orders"}, "valid email address"),
        ("email", MAIL | {"to": "[]"}, "valid email address"),
        ("email", MAIL | {"to": "örders@example.org"}, "valid email address"),
        ("email", MAIL | {"to": "a@b.example\r\nBcc: c@d.example"}, "valid email address"),
        ("email", MAIL | {"smtp_user": "fowlers", "smtp_password": "x"}, "name it"),
        ("email", MAIL | {"smtp_user": "fowlers", "smtp_host": "m.example"}, "A route needs it"),
        ("http", {"url": "https://a.example/", "ack_policy": "json"}, "A route needs it"),
    ],
)
def test_new_route_that_cannot_work_is_refused(transport, typed, complaint, vendor, sign_in):
    department = Department.objects.create(vendor=vendor)
    add = f"{reverse('admin:shipping_route_add')}?transport={transport}"
    page = sign_in(vendor, "owner").post(add, {"department": department.pk, "rank": 1} | typed)
    assert page.status_code == 200
    assert complaint in html.unescape(page.content.decode()).replace("'", "’")
    assert not Route.objects.exists()


@pytest.mark.parametrize(
    ("transport", "typed", "config", "secrets"),
    [
        (
            "sftp",
            SFTP | {"host": "Dateien.Käse.example.", "folder": "inbox/mall/"},
            {"host": "dateien.xn--kse-qla.example", "user": "mall", "host_key": HOST_KEY, "folder": "inbox/mall"},
            {"password": "x"},
        ),
        ("email", MAIL | {"to": "orders@käse.example"}, {"to": "orders@xn--kse-qla.example"}, {}),
        (
            "http",
            {"url": "https://[2606:4700::1]/x", "secret": "whsec_" + "A" * 44, "ack_policy": "json"},
            {"url": "https://[2606:4700::1]/x"},
            {"secret": "whsec_" + "A" * 44},
        ),
    ],
)
def test_owner_sets_up_each_kind_of_route(transport, typed, config, secrets, vendor, sign_in):
    department = Department.objects.create(vendor=vendor)
    client = sign_in(vendor, "owner")
    choice = client.get(reverse("admin:shipping_route_add")).content.decode()
    assert f'href="?transport={transport}"' in choice
    add = f"{reverse('admin:shipping_route_add')}?transport={transport}"
    answer = client.post(add, {"department": department.pk, "rank": 1} | typed)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    route = Route.objects.get()
    assert (route.transport, route.config, route.secrets) == (transport, config, secrets)


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


def look_up(host, *arguments, real=socket.getaddrinfo, **options):
    """Look a name up without the machine's name server, which may be silent, or know any name."""
    if host == "nowhere.invalid":
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return real(host, *arguments, **options)


@pytest.mark.parametrize("kind", ["http", "email", "sftp"])
def test_staff_try_a_route_out_and_read_how_it_went(kind, vendor, route_to, sign_in, request, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    peer = request.getfixturevalue({"email": "mailbox"}.get(kind, kind) + "_department")
    config, secrets, wrong, words = {
        "http": lambda: ({"url": peer.url}, {"secret": peer.secret}, {"url": "http://127.0.0.1:1/"}, "Nothing takes"),
        "email": lambda: (peer.config, {}, {"smtp_host": "nowhere.invalid"}, "no server of that name"),
        "sftp": lambda: (peer.config, {"password": peer.password}, {"folder": "nowhere"}, "folder is not there"),
    }[kind]()
    route = route_to(kind, config, secrets)
    client = sign_in(vendor, "owner")
    good = act(client, "route", "try_out", route).content.decode()
    assert {"http": "acknowledged it", "email": "Look whether the mail", "sftp": "wrote a file"}[kind] in good
    Route.objects.update(config=config | wrong)
    assert words in act(client, "route", "try_out", route).content.decode()
    assert kind != "http" or peer.jobs == {}
    assert kind != "sftp" or peer.files == []


def test_route_page_sends_a_test(http_department, vendor, make_vendor, route_to, sign_in):
    route = route_to("http", {"url": http_department.url}, {"secret": http_department.secret})
    change = reverse("admin:shipping_route_change", args=[route.pk])
    test = reverse("admin:shipping_route_test", args=[route.pk])
    owner = sign_in(vendor, "owner")
    assert f'action="{test}"' in owner.get(change).content.decode()
    page = owner.post(test, follow=True)
    assert page.redirect_chain == [(change, 302)]
    assert "acknowledged it" in page.content.decode()
    assert owner.get(test).status_code == 405
    assert sign_in(make_vendor("thistle"), "owner").post(test).status_code == 404
    assert sign_in(vendor, "catalogue").post(test).status_code == 403


def test_choice_of_a_transport_says_what_each_needs(vendor, sign_in):
    page = sign_in(vendor, "owner").get(reverse("admin:shipping_route_add")).content.decode()
    for name in CLASSES:
        assert html.escape(get_transport(name).description) in page

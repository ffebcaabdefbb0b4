"""The admin of the registry, and who works in it: what the tests of its pages share."""

from __future__ import annotations

import html
import re

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.http import HttpResponseForbidden, HttpResponseNotFound
from django.test import Client
from django.urls import path
from django.utils import timezone

from sessions_farm.communities.masters import announce_master
from sessions_farm.communities.models import Domain
from sessions_farm.communities.tests.support.name_server import ZONE
from sessions_farm.communities.verification import verification_record
from sessions_farm.tests.support.declared_farm import use
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.test_admin import MIDDLEWARE

urlpatterns = [path("admin/", admin.site.urls)]


def handler403(_request, exception):
    """Whatever the project's own page would need."""
    return HttpResponseForbidden()


def handler404(_request, exception):
    return HttpResponseNotFound()


DOMAINS = "/admin/communities/domain/"
COMMUNITIES = "/admin/communities/community/"
OF_DOMAINS = ("verify", "serve", "serve-unverified", "suspend", "issue-secret", "end-older-secrets")
OF_COMMUNITIES = (
    "announce",
    "withdraw",
    "change-over",
    "forget-former",
    "pause",
    "resume",
    "rotate-key",
    "revoke-keys",
)


HOSTS_IN_USE = f"{__name__}.hosts_in_use"


def hosts_in_use():
    """What an upper app would say for the setting of that name."""
    return ["a.test", "tea.shops.test", "tea.elsewhere.test"]


def serve_admin(settings, folder):
    """An admin on every host, Django's own permissions, sessions in memory, and a DNS that holds what is in ZONE."""
    settings.MIDDLEWARE = MIDDLEWARE
    settings.ROOT_URLCONF = __name__
    settings.SESSION_ENGINE = "sessions_farm.engine"
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]  # for permissions of single users
    settings.SESSIONS_FARM_COMMUNITIES = {
        **settings.SESSIONS_FARM_COMMUNITIES,
        "RESOLVER": "sessions_farm.communities.tests.support.name_server.MemoryResolver",
    }
    use(settings, "memory", folder)
    yield
    ZONE.clear()


def make_clerk():
    """May change domains and communities, and is no superuser."""
    return staff_who_may("view_domain", "change_domain", "view_community", "change_community")


def make_boss():
    return make_user("boss@example.org", is_superuser=True, is_staff=True)


def staff_who_may(*codenames):
    user = make_user("clerk@example.org", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


class FormClient(Client):
    """Post as a browser does from an open page: with the values that a site's forms may carry of what they showed."""

    SEEN = re.compile(r'<input type="hidden" name="((?:[\w-]+-)?seen_values)" value="([^"]*)"')

    def post(self, path, data=None, *args, **options):
        if isinstance(data, dict) and path.endswith("/change/"):
            page = self.get(path, headers=options.get("headers")).content.decode()
            data = {name: html.unescape(value) for name, value in self.SEEN.findall(page)} | data
        return super().post(path, data, *args, **options)


def signed_in(user, **options):
    client = FormClient(**options)
    client.force_login(user)
    return client


def make(mall, host="new.test", **fields):
    return Domain.objects.create(community=mall, host=host, **fields)


def external_domain(mall, **fields):
    return make(mall, "blog.example", kind="external", redirect_uris="https://blog.example/in", **fields)


def verified(mall, host="new.test", **fields):
    return make(mall, host, verified_at=timezone.now(), checked_at=timezone.now(), **fields)


def verify(domain):
    name, text = verification_record(domain)
    ZONE[name] = {"TXT": [text]}


def of(row, button="change"):
    return f"{DOMAINS if isinstance(row, Domain) else COMMUNITIES}{row.pk}/{button}/"


def said(response):
    """A page's text in one line, without its tags."""
    without_tags = html.unescape(re.sub(r"<[^>]+>", " ", response.text)).replace("\xa0", " ")
    return re.sub(r"\s+", " ", without_tags).replace(" .", ".").replace(" ,", ",")


def press(client, row, button, **data):
    """Press it, and read the page that it leads back to."""
    response = client.post(of(row, button), data, follow=True)
    row.refresh_from_db()
    return said(response)


def buttons_on(response):
    return re.findall(r'action="/admin/communities/[^"]+/([a-z-]+)/"', response.text)


def history_of(row):
    return [entry.get_change_message() for entry in LogEntry.objects.filter(object_id=str(row.pk)).order_by("pk")]


def announced(mall, host="b.test"):
    announce_master(community=mall, domain=Domain.objects.get(host=host))

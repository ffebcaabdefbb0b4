"""Every kind of letter: HTML and text with the same facts and links, through a real mail server, in one design."""

import email.policy
import re
import socket
from dataclasses import fields, is_dataclass
from email import message_from_bytes
from email.utils import parseaddr, parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from allauth import account, mfa
from django.db import models
from django.test import Client
from django.utils import timezone

from cart.letters.models import Letter
from mall.accounts.mail import KINDS as ACCOUNT_KINDS
from mall.accounts.models import User
from mall.admin_site.mail_kinds import BY_NAME, GROUPS
from tests.support.product_code import MODULES, ROOT
from tests.support.shop import MASTER, make_shop
from vendors import people
from vendors.mail import Sender, build_mail, on_one_line, render_mail

SENDER = Sender("The mall", "https://mall.example/", "help@mall.example", "The mall")
CSS = ROOT / "templates" / "mail"
OURS = {"number", "currency", "delivery_method", "accent"}  # text that no person types freely
HOSTILE = "x\r\nInjected: <b>bold</b> \x1b[31m\u202e& \u2028y"
# Kinds without any name in them: amounts, links and the reader's own address are all that they have.
NAMELESS = {"order-payment-returned", "order-refunded", "order-link"} | {
    f"account-{name}"
    for name in (
        "account-already-exists",
        "unknown-account",
        "email-confirmation",
        "email-confirmation-signup",
        "login-code",
        "password-reset-code",
        "password-reset-key",
    )
}
FACT = re.compile(r"[\w@./:€-]*(?:\d|@|://)[\w@./:-]*")


class Parts(HTMLParser):
    """The text that a reader sees of a letter's HTML, its links, and what it would fetch."""

    def __init__(self, html):
        super().__init__()
        self.text, self.links, self.fetched, self.tables = "", [], [], []
        self.hidden = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        each = dict(attrs)
        self.links += [each["href"]] if tag == "a" else []
        self.fetched += [each[name] for name in ("src", "srcset", "background", "data", "poster") if name in each]
        self.fetched += [tag] if tag in {"link", "script", "img", "iframe", "object", "form"} else []
        self.tables += [each.get("role") or each.get("class")] if tag == "table" else []
        self.hidden += tag in {"style", "title"} or each.get("class") == "preheader"
        if tag in {"br", "p", "td", "th", "li", "h1", "h2", "div"}:
            self.text += " "

    def handle_endtag(self, tag):
        self.hidden -= bool(self.hidden) and tag in {"style", "title", "div"}

    def handle_data(self, data):
        self.text += "" if self.hidden else data


def facts_of(text):
    """The numbers, amounts, dates and addresses in a text."""
    return {found.strip(".,:") for found in FACT.findall(text)}


def spoil(value, seen=None):
    """Put a hostile text into every name of a context: of rows, of dictionaries, of what they lead to."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return value
    seen.add(id(value))
    if isinstance(value, dict):
        return {key: HOSTILE if is_name(key, each) else spoil(each, seen) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [spoil(each, seen) for each in value]
    if is_dataclass(value):
        for each in fields(value):
            setattr(value, each.name, spoil(getattr(value, each.name), seen))
    if isinstance(value, models.Model):
        spoil_row(value, seen)
    return value


def spoil_row(row, seen):
    for each in row._meta.concrete_fields:
        if isinstance(each, models.ForeignKey):
            if each.is_cached(row):
                spoil(each.get_cached_value(row), seen)
        elif type(each) in {models.CharField, models.TextField} and not each.choices and each.name not in OURS:
            setattr(row, each.attname, HOSTILE)
    for rows in getattr(row, "_prefetched_objects_cache", {}).values():
        spoil(list(rows), seen)


def is_name(key, value):
    return isinstance(value, str) and key in {"name", "shop", "why", "answer", "text", "by", "by_name", "to", "browser"}


@pytest.fixture
def mailbox():
    """A mail server, and what it took."""
    taken, listener = [], socket.create_server(("127.0.0.1", 0))

    class Handler:
        async def handle_DATA(self, server, session, envelope):  # noqa: N802 -- aiosmtpd's name
            taken.append(message_from_bytes(envelope.content, policy=email.policy.default))
            return "250 Kept"

    class Held(Controller):
        """On a port that is held: one that was only looked for may be another program's by now."""

        def _create_server(self):
            return self.loop.create_server(self._factory_invoker, sock=listener)

    controller = Held(Handler(), hostname="127.0.0.1", port=listener.getsockname()[1], ready_timeout=60)
    controller.start()
    yield taken, controller.port
    controller.stop()


@pytest.mark.parametrize("name", BY_NAME)
def test_html_and_text_say_the_same(name):
    subject, text, html = render_mail(BY_NAME[name], sender=SENDER, context=BY_NAME[name].sample())
    page = Parts(html)
    assert subject
    assert "\n" not in subject
    assert facts_of(page.text) | set(page.links) == facts_of(text)
    assert re.search(r'class="preheader"[^>]*>\s*\S', html), "the line that mail programs show beside the subject"
    assert len(page.links) == len(set(page.links))
    assert all(link.startswith("https://mall.example/") for link in page.links)
    assert page.fetched == []
    assert set(page.tables) <= {"presentation", "rows"}
    for word in ("{{", "{%", "None", "()", "  ,"):
        assert word not in text + page.text
    assert max(map(len, html.encode().split(b"\n"))) < 900, "RFC 5322 allows 998 octets a line"


@pytest.mark.parametrize("name", BY_NAME)
def test_names_cannot_break_out(name):
    subject, text, html = render_mail(BY_NAME[name], sender=SENDER, context=spoil(BY_NAME[name].sample()))
    assert ("Injected" in text) != (name in NAMELESS), "the hostile names are in it"
    assert not re.search(r"^Injected", text, re.MULTILINE), "a name begins no line of its own"
    assert "<b" not in html.replace("<body", "").replace("<blockquote", "").replace("<br>", "")
    for unseen in ("\x1b", "\u202e", "\u2028", "\r"):
        assert unseen not in subject + text + html


def test_name_of_the_mall_is_one_header(settings):
    settings.DEFAULT_FROM_EMAIL = "Post <post@mall.example>"
    sender = Sender('The "mall"\r\nBcc: x@y.example', "https://mall.example/", "help@mall.example", "The mall")
    kind = BY_NAME["order-placed"]
    message = build_mail(kind, sender=sender, to="anna@example.org", context=kind.sample()).message()
    assert parseaddr(message["From"])[1] == "post@mall.example"
    assert message["Bcc"] is None


def test_all_kinds_come_through_the_mail_server_whole(mailbox, settings):
    taken, port = mailbox
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 60},
        }
    }
    for kind in BY_NAME.values():
        build_mail(kind, sender=SENDER, to="anna@example.org", context=kind.sample()).send()
    assert len(taken) == len(BY_NAME)
    assert len({message["Message-ID"] for message in taken}) == len(BY_NAME)
    for kind, message in zip(BY_NAME.values(), taken, strict=True):
        subject, text, html = render_mail(kind, sender=SENDER, context=kind.sample())
        assert message["Subject"] == subject
        assert message["From"] == f"The mall <{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}>"
        assert (message["To"], message["Reply-To"]) == ("anna@example.org", "help@mall.example")
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Content-Language"] == "en-IE"
        assert message["Message-ID"].endswith("@mall.localhost>")
        assert abs(parsedate_to_datetime(message["Date"]) - timezone.now()).total_seconds() < 60
        assert message.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        assert message.get_body(("plain",)).get_content().splitlines() == text.splitlines()
        assert message.get_body(("html",)).get_content().splitlines() == html.splitlines()
        assert not message.defects


# No kind without its letter, no letter that is none of the kinds


def test_each_kind_of_the_outbox_has_its_letter():
    shown = {kind.template for kind in GROUPS["To shoppers, about orders and goods"]}
    assert shown == {f"letters/{kind.value}" for kind in Letter.Kind}


def test_allauth_has_no_letter_without_ours():
    own = Path(account.__file__).parents[1] / "templates"
    theirs = {
        f"{app}/email/{path.name.removesuffix('_subject.txt')}"
        for app in (account.__name__.rpartition(".")[2], mfa.__name__.rpartition(".")[2])
        for path in (own / app / "email").glob("*_subject.txt")
    }
    assert len(theirs) > 15
    assert theirs == set(ACCOUNT_KINDS)


def test_no_template_of_a_letter_is_left_over():
    folders = {str(Path(kind.template).parent) for kind in BY_NAME.values()}
    there = {
        f"{folder}/{path.stem}"
        for folder in folders
        for path in (ROOT / "templates" / folder).iterdir()
        if path.stem != "base" and not path.stem.startswith("_") and path.stem != "slip"
    }
    assert there == {kind.template for kind in BY_NAME.values()}


def test_mail_is_built_in_one_place():
    """A letter of its own design is found here; the mail of a dispatch, and of its receipt, is a machine's."""
    builds = r"(?<!def )(?<!super\(\)\.)\b(?:EmailMessage|EmailMultiAlternatives|send_mail|mail_managers)\("
    built = [str(path.relative_to(ROOT)) for path in MODULES if re.search(builds, path.read_text())]
    assert sorted(built) == ["deploy/vendor_sites/mall_merge.py", "shipping/transports/email.py", "vendors/mail.py"]


def test_colours_are_the_malls():
    tokens = (ROOT / "mall/page_css/tokens.css").read_text()
    used = set(re.findall(r"#[0-9a-f]{6}\b", (CSS / "inlined.css").read_text() + (CSS / "kept.css").read_text()))
    assert len(used) > 10
    assert {colour for colour in used if colour not in tokens} == set()


def test_dark_scheme_reaches_every_colour():
    """What is put on an element gives way to the dark scheme alone by ``!important``."""
    kept = (CSS / "kept.css").read_text()
    assert not re.search(r"(?:color|padding)[^;{}]*(?<!important);", kept.partition("@media")[2])


def test_text_on_one_line():
    assert on_one_line(" a\r\n\tb\x00c\u202ed\ud800\u2028") == "a b cd"
    assert on_one_line("Ünal 👩‍🌾 & Söhne") == "Ünal 👩‍🌾 & Söhne"


# The page of the mall's staff


@pytest.mark.django_db
def test_staff_look_at_kinds(staff):
    client, other = staff
    listed = client.get("/admin/letter-kinds/").text
    assert all(f"/admin/letter-kinds/{name}/" in listed for name in BY_NAME)
    for name in (kinds[0].name for kinds in GROUPS.values()):
        page = client.get(f"/admin/letter-kinds/{name}/")
        assert page.status_code == 200
        assert page.text.count("<iframe") == 2
        letter = client.get(f"/admin/letter-kinds/{name}/dark/")
        assert "prefers-color-scheme" not in letter.text
        assert letter["X-Frame-Options"] == "SAMEORIGIN"
        assert "default-src 'none'" in letter["Content-Security-Policy"]
        assert "script-src" not in letter["Content-Security-Policy"]
        assert other.get(f"/admin/letter-kinds/{name}/light/").status_code == 403
    assert client.get("/admin/letter-kinds/none/").status_code == 404
    assert client.get(f"/admin/letter-kinds/{name}/blue/").status_code == 404
    assert other.get("/admin/letter-kinds/").status_code == 403
    assert "Kinds of letter" in client.get("/admin/orders/order/").text, "in the menu"


@pytest.fixture
def staff(db):
    """Browsers of a superuser and of a vendor's owner."""
    shop = make_shop()
    boss = User.objects.create_superuser("boss@example.org", "secret")
    owner = User.objects.create_user("owner@example.org", "secret")
    people.add_role(vendor=shop.vendors["amber"], user=owner, role="owner")
    clients = []
    for user in (boss, User.objects.get(pk=owner.pk)):
        client = Client(headers={"host": MASTER})
        client.force_login(user)
        clients.append(client)
    return clients

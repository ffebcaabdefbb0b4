"""Mail to people: each kind has a subject and a text and an HTML template, in one design and with one set of headers.

A new kind of letter is one ``MailKind``, in the list of its package, with its two templates and a sample; lists are
joined in ``mall.admin_site.mail_kinds``. Tests and the admin's page of letters walk that list.

The style sheet is put on the elements by css-inline, for mail programs that read no other; ``<style>`` has what cannot
be there, the dark scheme. Letters are transactional: no list sends them, so they carry no ``List-Unsubscribe``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formataddr, make_msgid, parseaddr
from typing import TYPE_CHECKING, Any, Final

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import engines
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from sessions_farm.communities.models import Community
from vendors import languages
from vendors.links import mailed_url
from vendors.models import Marketplace

if TYPE_CHECKING:
    from uuid import UUID

HEADERS: Final = {
    "Auto-Submitted": "auto-generated",  # RFC 3834: no holiday notice answers
    "X-Auto-Response-Suppress": "All",  # the same for Exchange
}
UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of characters, separators of lines and paragraphs
TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # change the direction
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class MailKind:
    """Describe one kind of letter. Its templates are ``<template>.txt`` and ``<template>.html``.

    ``subject`` is a template too. ``words`` are added to the context where several kinds share a template; ``sample``
    returns a made-up context.
    """

    name: str
    label: str
    template: str
    subject: str
    sample: Callable[[], Mapping[str, Any]]
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sender:
    """Hold the mall in whose name a letter is sent; ``reply_to`` is the address that answers reach, and whose it is."""

    name: str
    home: str
    reply_to: str = ""
    answered_by: str = ""


def sender_of(community: Community, marketplace: Marketplace | None = None) -> Sender:
    """Return the sender of a community's letters; the community is read with its master."""
    address = marketplace.support_email if marketplace else ""
    return Sender(community.name, mailed_url(community, "mall:home"), address, community.name if address else "")


def build_mail(
    kind: MailKind, *, sender: Sender, to: str, context: Mapping[str, Any], uuid: UUID | None = None
) -> EmailMultiAlternatives:
    """Build a letter as text and HTML.

    The Message-ID is made of ``uuid``, so that two copies of one letter have one; without it a new one is made.
    """
    own_address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    domain = own_address.rpartition("@")[2]
    subject, text, html = render_mail(kind, sender=sender, context=context)
    message = EmailMultiAlternatives(
        subject=subject,
        body=text,
        from_email=formataddr((on_one_line(sender.name), own_address)),
        to=[to],
        reply_to=[sender.reply_to] if sender.reply_to else None,
        headers={
            **HEADERS,
            "Content-Language": languages.tag_of(languages.current()),
            "Message-ID": f"<{uuid}@{domain}>" if uuid else make_msgid(domain=domain),
        },
    )
    message.attach_alternative(html, "text/html")
    return message


def render_mail(kind: MailKind, *, sender: Sender, context: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the subject, the text and the HTML of a letter."""
    named = {"mall": on_one_line(sender.name), "home": sender.home, "answered_by": on_one_line(sender.answered_by)}
    everything = {**named, **kind.words, **context}
    source = f"{{% load vendors %}}{{% autoescape off %}}{gettext(kind.subject)}{{% endautoescape %}}"
    subject = on_one_line(engines["django"].from_string(source).render(everything))
    everything["subject"] = subject
    text = _without_gaps(render_to_string(f"{kind.template}.txt", everything))
    html = _inliner.inline(render_to_string(f"{kind.template}.html", everything))
    return subject, text, html


def on_one_line(text: object) -> str:
    """Return the text of a name or a field without line breaks, control characters and changes of direction.

    A name must not look like a letter's own words, nor turn them round.
    """
    kept = (" " if unicodedata.category(mark) in UNSEEN else mark for mark in str(text) if mark not in TURNING)
    return " ".join("".join(kept).split())


def quoted(text: object) -> str:
    """Return another's words for the text of a letter, a ``>`` before each line."""
    return "\n".join(f"> {on_one_line(line)}" for line in str(text).strip().splitlines())


def quoted_html(text: object) -> SafeString:
    """Return another's words for the HTML of a letter, with their line breaks."""
    return format_html_join(SafeString("<br>"), "{}", ((on_one_line(line),) for line in str(text).strip().splitlines()))


def _without_gaps(text: str) -> str:
    """Return the text with at most one blank line at a place, which spares templates the care."""
    lines = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"

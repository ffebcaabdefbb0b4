"""The catalogues are whole, agree with code and templates, and a fault in one is found."""

import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings

from mall.translations import catalogues
from mall.translations.sources import Text, texts_of_code, texts_of_template

PLACES = catalogues.places()
TEMPLATES = Path(settings.BASE_DIR) / "templates"
# What staff and departments read: the back office is English.
OFFICE = (
    "admin/", "shipping/", "vendors/mail/", "account/invitation.html", "account/impersonation_refused.html",
    "components/impersonation.html", "support_watch/cart.html", "support_watch/desk.html", "support_watch/_nav.html",
    "support_watch/_visits.html", "support_watch/history.html", "support_watch/settings.html",
)  # fmt: skip
UNREAD = re.compile(
    r"\{#.*?#\}|\{%\s*comment.*?endcomment\s*%\}|\{%\s*blocktranslate.*?endblocktranslate\s*%\}"
    r"|<(script|style|code)\b.*?</\1>|<!DOCTYPE[^>]*>|\{%.*?%\}|\{\{.*?\}\}|&\w+;",
    re.DOTALL,
)
READ_ATTRIBUTE = re.compile(r'\b(?:aria-label|alt|placeholder|title|aria-roledescription)="([^"]*)"')
CONSTANT = re.compile(r'(?:default:|(?<![-\w])(?:label|here)=)"[^"{]*[A-Za-z][^"]*"|\|(?:date|time):"')


def shoppers_templates():
    for path in sorted(TEMPLATES.rglob("*")):
        name = str(path.relative_to(TEMPLATES))
        if path.suffix in {".html", ".txt"} and not name.startswith(OFFICE):
            yield name


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.locale.parent.name)
def test_catalogues_are_whole_and_compiled(place):
    assert list(place.catalogues())
    assert [fault for path in place.catalogues() for fault in catalogues.faults_of(path, place)] == []


def test_each_text_of_a_shoppers_template_is_marked():
    names = list(shoppers_templates())
    assert len(names) > 150
    found = {name: unmarked_in((TEMPLATES / name).read_text()) for name in names}
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_text_that_is_not_marked_is_found():
    assert unmarked_in("<p>Pay now</p>") == {"Pay now"}
    assert unmarked_in('<a aria-label="Your cart" href="/cart/">{{ n }}</a>') == {"Your cart"}
    assert unmarked_in('{{ name|default:"Nobody" }}') == {'default:"Nobody"'}
    assert unmarked_in('{% load i18n %}<p class="price">{% translate "Pay" %} {{ n }} · {# a remark #}</p>') == set()


def unmarked_in(source):
    """The texts of a template that no translation would reach."""
    bare = UNREAD.sub(" ", source)
    texts = re.sub(r"<[^>]*>", "\n", bare).splitlines()
    read = [*texts, *READ_ATTRIBUTE.findall(bare)]
    words = {" ".join(text.split()) for text in read if re.search(r"[A-Za-z]{2}", text)}
    return (words | set(CONSTANT.findall(source))) - {"product", "website"}  # kinds of Open Graph


@pytest.fixture
def copied(tmp_path, settings):
    """A catalogue that may be spoiled, of a source of its own."""
    settings.BASE_DIR = tmp_path
    source = tmp_path / "shop" / "page.py"
    source.parent.mkdir()
    source.write_text('gettext("The cart has %(number)s.")\nngettext("%(n)s piece", "%(n)s pieces", n)\n')
    locale = tmp_path / "locale"
    path = locale / "de" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    shutil.copy(next(PLACES[1].catalogues()), path)
    place = catalogues.Place(locale, (source.parent,))
    catalogues.update(path, place)
    written = path.read_text()
    written = written.replace(
        '"The cart has %(number)s."\nmsgstr ""', '"The cart has %(number)s."\nmsgstr "Im Korb: %(number)s."'
    )
    written = written.replace('msgstr[0] ""', 'msgstr[0] "%(n)s Stück"').replace(
        'msgstr[1] ""', 'msgstr[1] "%(n)s Stück"'
    )
    path.write_text(written)
    assert catalogues.update(path, place) == []
    return path, place, source


def test_catalogue_that_fits_has_no_fault(copied):
    path, place, _ = copied
    assert list(catalogues.faults_of(path, place)) == []


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("Im Korb: %(number)s.", "", "not translated"),
        ("Im Korb: %(number)s.", "Im Korb: %(nummer)s.", "%(number)s"),
        ('msgid "The cart has', '#, fuzzy\nmsgid "The cart has', "fuzzy"),
        ('msgstr[1] "%(n)s Stück"', 'msgstr[1] ""', "not translated"),
        ("Im Korb: %(number)s.", "In dem Korb: %(number)s.", "run manage.py translations"),
    ],
)
def test_spoiled_catalogue_is_found(copied, before, after, fault):
    path, place, _ = copied
    path.write_text(path.read_text().replace(before, after))
    assert fault.strip("%()s") in " ".join(catalogues.faults_of(path, place))


def test_text_that_came_or_went_is_found(copied):
    path, place, source = copied
    source.write_text('gettext("The cart is empty.")\nngettext("%(n)s piece", "%(n)s pieces", n)\n')
    faults = " ".join(catalogues.faults_of(path, place))
    assert "it lacks 'The cart is empty.'" in faults
    assert "nothing uses 'The cart has %(number)s.'" in faults


def test_update_keeps_what_is_translated_and_names_what_waits(copied):
    path, place, source = copied
    source.write_text(source.read_text() + 'gettext("The cart is empty.")\n')
    assert catalogues.update(path, place) == [Text("The cart is empty.")]
    assert "Im Korb: %(number)s." in path.read_text()


def test_marks_of_code_and_templates_are_read():
    code = 'gettext("a" "b")\nx.ngettext("one", "many", n)\npgettext("door", "open")\ngettext(name)\n'
    assert list(texts_of_code(code)) == [Text("ab"), Text("one", "many"), Text("open", context="door")]
    template = (
        '{% load i18n %}{% translate "It\'s (here)" %}{{ x|default:_("none") }}'
        "{% blocktranslate trimmed count n=n with a=b|c:'x' %}"
        "{{ n }} of\n  {{ a }}{% plural %}{{ n }}s{% endblocktranslate %}"
    )
    found = set(texts_of_template(template, "page"))
    assert found == {Text("It's (here)"), Text("none"), Text("%(n)s of %(a)s", "%(n)ss")}

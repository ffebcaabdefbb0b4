"""Catalogues on disk: brought up to date with the sources, checked, and compiled."""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings

from mall.translations.sources import Text, texts_below

WIDTH: Final = 120
PLACEHOLDER: Final = re.compile(r"%\(\w+\)s|\{\{.*?\}\}")


@dataclass(frozen=True, slots=True)
class Place:
    """Name a folder of catalogues, and the folders whose texts they hold."""

    locale: Path
    sources: tuple[Path, ...]

    def catalogues(self) -> Iterator[Path]:
        """Yield the .po files."""
        yield from sorted(self.locale.glob("*/LC_MESSAGES/django.po"))


def places() -> list[Place]:
    """Return the mall's catalogues, and those that the session engine brings along by itself."""
    root = Path(settings.BASE_DIR)
    own = tuple(root / name for name in ("cart", "mall", "shipping", "support_watch", "templates", "vendors"))
    return [Place(root / "locale", own), Place(root / "sessions_farm" / "locale", (root / "sessions_farm",))]


def read(path: Path) -> Catalog:
    """Return a catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, charset="utf-8")


def update(path: Path, place: Place) -> list[Text]:
    """Bring a catalogue up to date with its sources and compile it; return the texts that wait for a translation."""
    old = read(path)
    new = Catalog(locale=old.locale, charset="utf-8", fuzzy=False, header_comment=old.header_comment)
    new.creation_date, new.revision_date = old.creation_date, old.revision_date
    found = texts_below(place.sources)
    waiting = []
    for text in sorted(found):
        kept = old.get(id_of(text), context=text.context or None)
        string = kept.string if kept and not kept.fuzzy else None
        if not is_whole(string):
            waiting.append(text)
        files = sorted(str(each.relative_to(settings.BASE_DIR)) for each in found[text])
        new.add(id_of(text), string, locations=[(name, 0) for name in files], context=text.context or None)
    with path.open("wb") as file:
        write_po(file, new, width=WIDTH, sort_by_file=False, include_lineno=False, omit_header=False)
    path.with_suffix(".mo").write_bytes(compiled(read(path)))
    return waiting


def faults_of(path: Path, place: Place) -> Iterator[str]:
    """Yield the faults of a catalogue and its compiled form, in words."""
    catalogue = read(path)
    messages = [message for message in catalogue if message.id]
    yield from _differences(messages, place)
    for message in messages:
        yield from faults_of_message(message)
    compiled_path = path.with_suffix(".mo")
    if not compiled_path.exists() or _texts_of(compiled_path.read_bytes()) != _texts_of(compiled(catalogue)):
        yield f"{compiled_path} is not what {path.name} makes; run manage.py translations"


def _differences(messages: Iterable[Message], place: Place) -> Iterator[str]:
    """Yield the texts that a catalogue lacks, and those that nothing uses."""
    wanted = {(id_of(text), text.context) for text in texts_below(place.sources)}
    held = {(message.id, message.context or "") for message in messages}
    yield from (f"it lacks {key[0]!r}" for key in sorted(wanted - held, key=repr))
    yield from (f"nothing uses {key[0]!r} any more" for key in sorted(held - wanted, key=repr))


def faults_of_message(message: Message) -> Iterator[str]:
    """Yield the faults of one translation: it is missing, unsure, or has other placeholders than the text."""
    if not is_whole(message.string):
        yield f"{message.id!r} is not translated"
        return
    if message.fuzzy:
        yield f"{message.id!r} is marked fuzzy"
    texts: list[str] = [*message.id] if message.pluralizable else [message.id]  # type: ignore[list-item]  # str, or pairs
    strings: list[str] = [*message.string] if message.pluralizable else [message.string]  # type: ignore[list-item, misc]
    wanted = set(PLACEHOLDER.findall(" ".join(texts)))
    for string in strings:
        if wanted ^ set(PLACEHOLDER.findall(string)):
            yield f"{message.id!r} has other placeholders than {string!r}"


def compiled(catalogue: Catalog) -> bytes:
    """Return a catalogue as programs read it."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def id_of(text: Text) -> Any:
    """Return a text as Babel names it: a pair where it has a plural."""
    return (text.singular, text.plural) if text.plural else text.singular


def is_whole(string: Any) -> bool:
    """Return whether every form of a translation is there."""
    return all(string) if isinstance(string, tuple | list) else bool(string)


def _texts_of(content: bytes) -> Mapping[Any, str]:
    """Return the translations of a .mo without its head, which names the program that made it."""
    texts: dict[Any, str] = gettext.GNUTranslations(io.BytesIO(content))._catalog  # type: ignore[attr-defined]  # noqa: SLF001
    return {key: value for key, value in texts.items() if key}

"""The texts that code and templates mark for translation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.utils.translation.template import templatize

SINGULAR: Final = {"gettext", "gettext_lazy", "gettext_noop", "_"}
PLURAL: Final = {"ngettext", "ngettext_lazy"}
WITH_CONTEXT: Final = {"pgettext", "pgettext_lazy"}
CALL: Final = re.compile(rf"\b(?:{'|'.join(SINGULAR | PLURAL | WITH_CONTEXT)})\(")
LEFT_OUT: Final = {"tests", "migrations", "node_modules", "locale", "admin"}  # Django has the words of its own admin


@dataclass(frozen=True, slots=True, order=True)
class Text:
    """Hold one text as the code has it, with its plural and its context where it has them."""

    singular: str
    plural: str = ""
    context: str = ""


def texts_below(folders: Iterable[Path]) -> dict[Text, set[Path]]:
    """Return each marked text below folders with the files that have it."""
    found: dict[Text, set[Path]] = {}
    for path in _files_below(folders):
        source = path.read_text()
        texts = texts_of_code(source) if path.suffix == ".py" else texts_of_template(source, str(path))
        for text in texts:
            found.setdefault(text, set()).add(path)
    return found


def texts_of_code(source: str) -> Iterator[Text]:
    """Yield the texts that Python code marks."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (text := _text_of(node)):
            yield text


def texts_of_template(source: str, name: str) -> Iterator[Text]:
    """Yield the texts that a template marks: Django writes them as calls among placeholders."""
    calls = templatize(source, origin=name)
    for place in CALL.finditer(calls):
        if text := _text_of(_first_call(calls[place.start() :])):
            yield text


def _files_below(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            is_own = not LEFT_OUT & set(path.relative_to(folder).parts)
            if is_own and path.suffix in {".py", ".html", ".txt"}:
                yield path


def _first_call(text: str) -> ast.Call:
    """Return the call with which a text begins; what follows it is none of Python."""
    end = text.index(")")
    while True:
        try:
            parsed = ast.parse(text[: end + 1], mode="eval").body
        except SyntaxError:
            end = text.index(")", end + 1)
        else:
            assert isinstance(parsed, ast.Call)  # noqa: S101 -- CALL found its beginning
            return parsed


def _text_of(call: ast.Call) -> Text | None:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    words = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if name in SINGULAR and words:
        return Text(words[0])
    if name in PLURAL and len(words) > 1:
        return Text(words[0], words[1])
    if name in WITH_CONTEXT and len(words) > 1:
        return Text(words[1], context=words[0])
    return None

"""What import-linter cannot see: foreign keys, templates, sizes and names keep to the layers too."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = next(contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
HEIGHT = {name.strip(): height for height, row in enumerate(reversed(LAYERS)) for name in row.split("|")}
# Template folders that are not named after their app's package.
FOLDER_OF = {
    "orders": "cart",
    "checkout": "cart",
    "sandbox": "cart",
    "account": "mall",
    "allauth": "mall",
    "admin": "mall",
}
BANNED = {"utils", "helpers", "common", "core", "misc", "lib"}
MODULES = [
    path
    for package in HEIGHT
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts and "tests" not in path.parts
]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def height_of(dotted: str) -> int | None:
    return HEIGHT.get(dotted.partition(".")[0])


def foreign_keys():
    for model in apps.get_models():
        if height_of(model.__module__) is None:
            continue
        for field in model._meta.get_fields():
            if field.is_relation and field.concrete and field.related_model and field.remote_field:
                yield model, field


def test_foreign_keys_point_down():
    upward = [
        f"{model.__name__}.{field.name}"
        for model, field in foreign_keys()
        if (target := height_of(field.related_model.__module__)) is not None
        and target > height_of(model.__module__)
        # The user is reached by settings.AUTH_USER_MODEL from every layer.
        and field.related_model._meta.label != "accounts.User"
    ]
    assert upward == []


def test_foreign_keys_across_apps_leave_no_accessor_below():
    accessors = [
        f"{model.__name__}.{field.name}"
        for model, field in foreign_keys()
        if field.related_model._meta.app_label != model._meta.app_label
        and height_of(field.related_model.__module__) is not None
        and not field.remote_field.hidden
    ]
    assert accessors == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_refer_only_to_their_own_height_and_below(template):
    folder = template.relative_to(ROOT / "templates").parts[0]
    if folder.endswith(".html") or folder == "components":
        own = max(HEIGHT.values()) if folder.endswith(".html") else -1
    else:
        own = HEIGHT.get(FOLDER_OF.get(folder, folder))
    assert own is not None, f"templates/{folder}/ belongs to no app"
    referred = re.findall(r"{% (?:include|extends) [\"']([a-z_]+)/", template.read_text())
    upward = [name for name in referred if HEIGHT.get(FOLDER_OF.get(name, name), -1) > own]
    assert upward == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_small_well_named_and_say_what_they_hold(module):
    text = module.read_text()
    assert text.count("\n") <= 300
    assert module.stem not in BANNED
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "the first line of a module says what lives there"


def test_migrations_are_named_for_their_change():
    nameless = [path.name for path in ROOT.glob("**/migrations/*_auto_*.py") if ".venv" not in path.parts]
    assert nameless == []

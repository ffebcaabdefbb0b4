"""What import-linter cannot see: foreign keys, templates, sizes, names, errors and documents keep to the layers too."""

import ast
import re

import pytest
from django.apps import apps

from tests.support.product_code import HEIGHT, MODULES, ROOT, exceptions, is_builtin

# Template folders that are not named after their app's package.
FOLDER_OF = {
    "mail": "vendors",
    "orders": "cart",
    "letters": "cart",
    "stock_alerts": "cart",
    "checkout": "cart",
    "sandbox": "cart",
    "account": "mall",
    "allauth": "mall",
    "mfa": "mall",
    "admin": "mall",
}
BANNED = {"utils", "helpers", "common", "core", "misc", "lib"}
MAX_LINES = 500
UNTRACKED = {"__pycache__", "build", "sessions_farm.egg-info"}
TREE_LINE = re.compile(
    r"    (?P<branch>(?:[│├└ ][ ─]{2,3})*)(?P<name>[\w.]*(?:Error|Exception))\b(?: \((?P<base>\w+)\))?(?:  .*)?"
)
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


def test_the_engines_rows_refer_to_no_communities():
    labels = [
        model._meta.app_label for model, field in foreign_keys() if field.related_model._meta.app_label == "communities"
    ]
    assert labels
    assert "sessions_farm" not in labels


def test_foreign_keys_across_apps_leave_no_accessor_below():
    accessors = [
        f"{model.__name__}.{field.name}"
        for model, field in foreign_keys()
        if field.related_model._meta.app_label != model._meta.app_label
        and height_of(field.related_model.__module__) is not None
        and not field.remote_field.hidden
    ]
    assert accessors == []


def test_crumbs_lead_to_the_back_office_by_its_name():
    """The menu and the page itself call it Today."""
    link = re.compile(r"<li><a href=\"{% url 'admin:index' %}\">(.*?)</a>")
    names = {name for template in TEMPLATES for name in link.findall(template.read_text())}
    assert names == {"Today"}


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
    assert text.count("\n") <= MAX_LINES
    assert module.stem not in BANNED
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "the first line of a module says what lives there"


def test_the_engine_shows_few_names():
    """Who opens the folder draws both apps from it."""
    names = {path.name for path in (ROOT / "sessions_farm").iterdir() if path.name not in UNTRACKED}
    assert len(names) <= 24, sorted(names)


def test_migrations_are_named_for_their_change():
    nameless = [path.name for path in ROOT.glob("**/migrations/*_auto_*.py") if not {".venv", ".tools"} & {*path.parts}]
    assert nameless == []


# Errors

EXCEPTIONS = exceptions()


def printed_trees():
    """Yield each package's docstring tree of errors as pairs: an error, and the one that it stands below."""
    for path in MODULES:
        docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
        above: dict[int, str] = {}
        for line in docstring.splitlines() if path.name == "__init__.py" else ():
            if found := TREE_LINE.fullmatch(line):
                depth, name = len(found["branch"]) // 4, found["name"].rpartition(".")[2]
                above[depth] = name
                yield path, name, found["base"] or above.get(depth - 1)


def test_exceptions_end_in_error():
    assert len(EXCEPTIONS) > 40
    assert [name for _, name, _ in EXCEPTIONS if not name.endswith("Error")] == []


def test_each_exception_stands_in_the_tree_of_a_package_above_it():
    printed = {(path.parent, name) for path, name, _ in printed_trees()}
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, name, _ in EXCEPTIONS
        if not any((folder, name) in printed for folder in path.parents)
    ]
    assert missing == []


def test_trees_of_errors_are_true():
    bases = {name: found for _, name, found in EXCEPTIONS}
    wrong = [
        f"{path.relative_to(ROOT)}: {name} below {above}"
        for path, name, above in printed_trees()
        if not is_builtin(name) and (name not in bases or (above and above not in bases[name]))
    ]
    assert wrong == []


# Documents


NAME = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FILE = re.compile(r"[\w./-]*\w+\.(?:py|md|toml|lua|html|yaml)|[\w-]+(?:/[\w.-]+)*/")
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
HISTORY = {"CHANGELOG.md"}  # tells of files that are gone
TRACKED = [
    path.relative_to(ROOT)
    for folder in (*HEIGHT, "docs", "templates", "tests")
    for path in (ROOT / folder).rglob("*")
    if "__pycache__" not in path.parts
] + [path.relative_to(ROOT) for path in ROOT.iterdir()]
ENDS = {"/".join(path.parts[start:]) for path in TRACKED for start in range(len(path.parts))}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_documents_name_are_there(document):
    if document.name in HISTORY:
        return
    named = {text for text in NAME.findall(document.read_text()) if FILE.fullmatch(text)}
    assert sorted(name for name in named if name.removeprefix("/").rstrip("/") not in ENDS) == []


def test_no_lock_belongs_to_a_connection():
    """Behind a transaction pooler nobody could release it (ADR 72)."""
    kept = re.compile(r"pg_(try_)?advisory_lock")
    assert [str(path.relative_to(ROOT)) for path in MODULES if kept.search(path.read_text())] == []


def test_each_address_of_redis_is_read_by_the_one_parser():
    """redis-py's own reader knows no service that Sentinels watch: such a client fails in a farm of pairs."""
    assert [str(path.relative_to(ROOT)) for path in MODULES if ".from_url(" in path.read_text()] == []


def test_lineage_names_a_test_for_each_row():
    rows = [line for line in (ROOT / "docs" / "lineage.md").read_text().splitlines() if line.startswith("| ")][1:]
    bare = [row for row in rows if "test_" not in row and "tests/" not in row and row.count("|") == 5]
    assert len(rows) > 20
    assert [row for row in bare if row.split("|")[4].strip() == ""] == []

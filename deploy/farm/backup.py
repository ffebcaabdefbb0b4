"""Backups: the database at one moment, the media, and by which secrets they were sealed; and the way back.

Redis is not in a backup: sessions, streams and the queue are copies or follow from rows. Media only grow, so those
copied after the database's moment have every file that it names.
"""

from __future__ import annotations

import datetime
import json
import tarfile
from pathlib import Path

from deploy.farm import FarmError, credentials, pairs, running
from deploy.farm.compose import DEPLOY, Farm, say, wait_for

BACKUPS = DEPLOY / "backups"
PSQL = ("psql", "--username", "mall", "--no-align", "--tuples-only", "--quiet")
PG_RESTORE = ("exec", "-T", "db", "pg_restore", "--username", "mall", "--dbname", "mall", "--exit-on-error")
# The books: what must be the same after the way back.
BOOKS = """
SELECT json_object_agg(name, value ORDER BY name)::text FROM (
  SELECT 'orders ' || state AS name, count(*)::numeric AS value FROM orders_order GROUP BY state
  UNION ALL SELECT 'paid ' || state, coalesce(sum(amount), 0) FROM orders_payment GROUP BY state
  UNION ALL SELECT 'dispatches ' || state, count(*) FROM shipping_dispatch GROUP BY state
  UNION ALL SELECT 'on hand', coalesce(sum(on_hand), 0) FROM vendors_stock
  UNION ALL SELECT 'people', count(*) FROM accounts_user
  UNION ALL SELECT 'products', count(*) FROM vendors_product
) books
"""

# The dump is of the very moment of the books: pg_dump joins the transaction that reads them.
DUMP = rf"""
\set ON_ERROR_STOP on
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\o /tmp/books.json
{BOOKS.strip()};
\o
\! pg_dump --username mall --format custom --compress 3 --snapshot "$SNAPSHOT" mall
\if :SHELL_ERROR
SELECT 1 / 0;
\endif
"""


def books(farm: Farm) -> dict[str, float]:
    """Return the figures of orders, money, dispatches, stock, people and goods."""
    found: dict[str, float] = json.loads(farm.run("exec", "-T", pairs.primary_of(farm), *PSQL, "--command", BOOKS))
    return found


def make_backup(farm: Farm, folder: Path | None = None) -> Path:
    """Back a running farm up; return the folder. Nothing waits for it. Raise FarmError."""
    stamp = datetime.datetime.now(tz=datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = folder or BACKUPS / f"{farm.project}-{stamp}"
    folder.mkdir(parents=True, mode=0o700)
    say("The database ...")
    database = pairs.primary_of(farm)
    script = folder / "dump.psql"
    script.write_text(DUMP)
    with script.open() as words:
        _into(farm, folder / "database.dump", "exec", "-T", database, *PSQL, stdin=words)
    script.unlink()
    then = json.loads(farm.run("exec", "-T", database, "cat", "/tmp/books.json"))  # noqa: S108 -- in the container
    say("The media ...")
    node = farm.running("web")
    if not node:
        raise FarmError("No node runs, so nobody can read the media.")
    _into(farm, folder / "media.tar", "exec", "-T", "web", "tar", "--create", "--directory", "/data/media", ".")
    manifest = {"made": stamp, "mode": farm.mode, "books": then, "secrets": credentials.fingerprints()}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2))
    check_backup(folder)
    say(f"Backed up to {folder}; keep deploy/secrets/ with it, by another way.")
    return folder


def check_backup(folder: Path) -> None:
    """Raise FarmError where a backup is not whole."""
    for name in ("database.dump", "media.tar", "manifest.json"):
        if not (folder / name).exists() or not (folder / name).stat().st_size:
            raise FarmError(f"{folder} is no backup: {name} is missing or empty.")
    if (folder / "database.dump").read_bytes()[:5] != b"PGDMP":
        raise FarmError(f"{folder / 'database.dump'} is no dump of PostgreSQL.")
    with tarfile.open(folder / "media.tar") as media:
        media.getmembers()  # reads it to its end


def restore_backup(farm: Farm, folder: Path) -> None:
    """Start a new farm from a backup. Raise FarmError where the farm has data, or other secrets."""
    check_backup(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    if credentials.has_volume(farm, "pg17"):
        raise FarmError(
            f"The farm {farm.project} has data; a backup is restored into a new one: FARM=name, or make farm-erase"
        )
    credentials.make_secrets(farm)
    _require_key(manifest["secrets"])
    say("Building the image ...")
    farm.run("build", "volumes", seconds=3600)
    say("The database ...")
    farm.run("up", "--detach", "--no-build", "--wait", "db", "redis", "cache")
    wait_for(
        lambda: bool(farm.run("exec", "-T", "db", "psql", "-U", "mall", "-c", "SELECT 1", check=False)), "the database"
    )
    with (folder / "database.dump").open("rb") as dump:
        if farm.stream(*PG_RESTORE, stdin=dump):
            raise FarmError("pg_restore failed; its words are above.")
    found = books(farm)
    wrong = {name: (value, found.get(name)) for name, value in manifest["books"].items() if found.get(name) != value}
    if wrong:
        raise FarmError(f"The books differ from the backup's (then, now): {wrong}")
    say("The media ...")
    farm.run("run", "--rm", "-T", "--no-deps", "volumes")
    with (folder / "media.tar").open("rb") as media:
        words = ("run", "--rm", "-T", "--no-deps", "--entrypoint", "tar", "migrate")
        if farm.stream(*words, "--extract", "--directory", "/data/media", stdin=media):
            raise FarmError("The media could not be unpacked; the words of tar are above.")
    running.start_farm(farm, build=False)
    say(f"Restored; {len(found)} figures in the books are those of the backup.")


def _require_key(then: dict[str, str]) -> None:
    if then.get("secret_key") != credentials.fingerprints()["secret_key"]:
        raise FarmError(
            "deploy/secrets/secret_key is another one than the backup's: the routes' passwords could not be opened, and"
            " every link in letters would be refused. Bring that farm's deploy/secrets/ back first."
        )


def _into(farm: Farm, path: Path, *words: str, stdin: object = None) -> None:
    with path.open("wb") as file:
        if farm.stream(*words, stdin=stdin, stdout=file):
            raise FarmError(f"{path.name} could not be written; the reason is above.")

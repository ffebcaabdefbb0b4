"""Sessions in files: a directory that goes away, unreadable files, keys that are no file names."""

from __future__ import annotations

import json
import logging
import os
import stat

import pytest
from django.core.exceptions import ImproperlyConfigured

from sessions_farm.conf import Options
from sessions_farm.stores.base import Change, Increment, SessionEndedError, State, StoreUnavailableError
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.local.file import FileStore
from sessions_farm.stores.local.sharded_directory import SHARD_NAMES, Put, ShardedDirectory
from sessions_farm.tests.support.stores_fixtures import (
    HOUR,
    LIFE,
    NOW,
    file_folder,
    make_store,
    new_key,
    read,
    started,
)


@pytest.fixture
def folder():
    with file_folder() as folder:
        yield folder


@pytest.fixture
def store(folder):
    return make_store("file", folder=folder)


def sessions_in(folder):
    return [path for path in folder.glob("*/records-*") if '"header":null' not in path.read_text()]


def swept(store, now):
    while store.sweep(now, 1000) >= 1000:
        pass


def test_folder_that_goes_is_no_empty_farm(store, folder):
    key = started(store)
    folder.rename(folder.with_name("away"))
    for call in (
        lambda: store.load(key, NOW),
        lambda: store.load(new_key(), NOW),
        lambda: store.apply(key, Change(put={"a": "2"}), NOW),
        lambda: store.create(new_key(), {}, LIFE, NOW),
        lambda: store.count(NOW),
        lambda: store.sweep(NOW, 10),
    ):
        with pytest.raises(StoreUnavailableError):
            call()
    folder.mkdir()  # as an empty place where something was mounted
    with pytest.raises(StoreUnavailableError):
        store.load(key, NOW)
    folder.rmdir()
    folder.with_name("away").rename(folder)
    assert read(store, key)["a"] == "1"


def test_folder_is_made_where_its_parent_is(tmp_path):
    with pytest.raises(StoreUnavailableError):
        make_store("file", folder=tmp_path / "none" / "sessions").load("x", NOW)
    assert not (tmp_path / "none").exists()
    with pytest.raises(ImproperlyConfigured, match="FOLDER"):
        make_store("file", folder="")


def test_folder_of_another_version_is_refused(store, folder):
    started(store)
    (folder / "farm.json").write_text(json.dumps({"layout": 1, "shards": 7}))
    with pytest.raises(ImproperlyConfigured, match="shards"):
        make_store("file", folder=folder).load("x", NOW)


@pytest.mark.parametrize("text", ["", '{"key":', "[]", "null", '{"key": "%s", "value": {}}', "\0" * 300, "\udcff"])
def test_unreadable_session_has_ended_and_is_quarantined(store, folder, caplog, text):
    key = started(store)
    (path,) = sessions_in(folder)
    path.write_text(text.replace("%s", key), errors="surrogateescape")
    assert store.count(NOW) == 0
    assert store.load(key, NOW).state is State.ENDED
    with pytest.raises(SessionEndedError):
        store.create(key, {}, LIFE, NOW)
    assert [kept.read_bytes() for kept in (folder / "quarantine").glob("*records*")] == [
        text.replace("%s", key).encode(errors="surrogateescape")
    ]
    assert [record.levelno for record in caplog.records if "kept as" in record.message] == [logging.ERROR]
    assert [(event.kind, event.reason) for event in store.read_events(9)] == [("started", ""), ("ended", "unreadable")]


def test_file_of_another_session_is_not_believed(store, folder):
    mine, others = started(store, {"a": "mine"}), started(store, {"a": "other's"})
    (path,) = (path for path in sessions_in(folder) if mine in path.read_text())
    (foreign,) = (path for path in sessions_in(folder) if others in path.read_text())
    path.write_text(foreign.read_text())
    with pytest.raises(SessionEndedError):
        store.modify(mine, Increment("n", 1), NOW)
    assert read(store, others) == {"a": "other's"}


def test_sweep_quarantines_unreadable_files(store, folder):
    started(store)
    (path,) = sessions_in(folder)
    path.write_text("torn")
    os.utime(path, (0, 0))
    swept(store, NOW)
    assert (sessions_in(folder), len(list((folder / "quarantine").glob("*records*")))) == ([], 1)


def test_sweep_reads_only_what_may_be_due(store, folder):
    started(store)
    (path,) = sessions_in(folder)
    due = path.stat().st_mtime_ns
    assert due == (NOW + HOUR) * 1_000_000
    path.write_text("torn")
    os.utime(path, ns=(due, due))
    swept(store, NOW)
    assert path.exists()
    swept(store, NOW + HOUR)
    assert not path.exists()


@pytest.mark.parametrize("key", ["../../up", "/etc/passwd", "a/b", "k" * 5000, "nul\0", "\ud800", ".", "", "Ä é\n"])
def test_any_key_names_a_file_of_the_folder(store, folder, key):
    store.create(key, {"a": "1"}, LIFE, NOW)
    assert read(store, key) == {"a": "1"}
    (path,) = sessions_in(folder)
    assert path.resolve().is_relative_to(folder)
    assert [found.key for found in store.find({}, NOW, 9)] == [key]


def test_keys_that_differ_in_case_are_two(store):
    store.create("ABC", {"a": "1"}, LIFE, NOW)
    assert store.load("abc", NOW).state is State.ABSENT


def test_files_are_readable_by_their_owner_only(store, folder):
    store.rotate(started(store), new_key(), Change(), NOW, HOUR)
    store.acquire("name", "token", NOW, HOUR)
    store.put_code("code", "payload", 60)
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_synced_folder_keeps_the_same(folder):
    """Synced writes, renames and removals. No test can show here that they survive a power failure."""
    places = [f"{shard}/records-{name}" for shard in SHARD_NAMES[:2] for name in "ab"]
    for puts in ({place: Put("1", NOW) for place in places}, {places[0]: Put("2", NOW), places[1]: None}):
        with ShardedDirectory(folder, sync=True).locked(SHARD_NAMES[:2]) as writes:
            writes.update(puts)
    assert [ShardedDirectory(folder, sync=True).read(place) for place in places] == ["2", None, "1", "1"]


def test_wait_for_the_lock_of_a_stopped_process_ends(store, folder, monkeypatch):
    monkeypatch.setattr("sessions_farm.stores.local.sharded_directory.LOCK_WAIT", 0.05)
    key = started(store)
    with ShardedDirectory(folder, sync=False).locked(SHARD_NAMES):
        assert read(store, key)["a"] == "1"
        with pytest.raises(StoreUnavailableError, match="held"):
            store.apply(key, Change(put={"a": "2"}), NOW)
    store.apply(key, Change(put={"a": "2"}), NOW)
    assert read(store, key)["a"] == "2"


class OutstrippedStore(FileStore):
    """A store whose reader another process outstrips: it forgets the events that were found, before they are read."""

    rival = staticmethod(lambda: None)

    def _within(self, digests, rule, *args):
        rival, self.rival = self.rival, lambda: None
        rival()
        return super()._within(digests, rule, *args)


def test_outbox_with_events_is_never_read_as_empty(store, folder):
    started(store)
    started(store)
    first, second = store.read_events(2)
    slow = OutstrippedStore(Options(store="file", folder=str(folder)))
    slow.rival = lambda: store.forget_events([first.id])

    assert run_sync(slow.read_events(1)) == [second]
    store.forget_events([second.id])
    assert run_sync(slow.read_events(1)) == []

"""The contract of a store's feeds: every change of a shared variable, in order, to each reader."""

from __future__ import annotations

import threading
import time

import pytest

from sessions_farm.stores.base import Append, Change, CompareAndSet, Increment, LeaseLostError
from sessions_farm.tests.support.stores_fixtures import BOTH_WAYS, NOW, farm_of, in_threads, new_key, started

WRITERS, WRITES = 4, 20


@pytest.fixture(params=BOTH_WAYS)
def farm(request):
    with farm_of(request) as farm:
        yield farm


@pytest.fixture
def store(farm):
    return farm.node()


def changes_of(store, name, after, seconds=0.0):
    found, place = store.read_changes(name, after, seconds)
    return [(change.name, change.key, change.text) for change in found], place


def test_feed_begins_at_its_end(store):
    started(store)
    found, place = changes_of(store, "page", "")
    assert found == []
    other = started(store)
    assert changes_of(store, "page", place)[0] == [("page", other, '"/x"')]


def test_feed_has_each_change_of_a_shared_variable(store):
    _, place = changes_of(store, "page", "")
    key, new = started(store, {"page": "1", "owner": "1"}), new_key()
    store.apply(key, Change(put={"page": "2", "a": "1"}), NOW)
    store.apply(key, Change(add={"page": 3}), NOW)
    store.modify(key, CompareAndSet("page", "5", "[]"), NOW)
    store.modify(key, Append("page", "1"), NOW)
    store.rotate(key, new, Change(drop=["page"]), NOW, 0)
    store.apply(new, Change(put={"page": "7"}), NOW)
    store.apply(new, Change(put={"a": "7"}, replace=True), NOW)
    store.delete(new, "ended", NOW)
    texts = [(key, "1"), (key, "2"), (key, "5"), (key, "[]"), (key, "[1]"), (new, None), (new, "7"), (new, None)]
    assert changes_of(store, "page", place)[0] == [("page", *change) for change in texts]


def test_feed_is_of_one_name_and_only_of_shared_ones(store):
    places = {name: changes_of(store, name, "")[1] for name in ("page", "mood", "owner")}
    key = started(store, {"page": "1", "mood": "2", "owner": "3"})
    assert changes_of(store, "page", places["page"])[0] == [("page", key, "1")]
    assert changes_of(store, "mood", places["mood"])[0] == [("mood", key, "2")]
    assert changes_of(store, "owner", places["owner"])[0] == []


def test_feed_goes_on_from_its_place(store):
    _, place = changes_of(store, "page", "")
    for number in range(3):
        started(store, {"page": str(number)})
        found, place = changes_of(store, "page", place)
        assert [text for _, _, text in found] == [str(number)]
    found, later = changes_of(store, "page", place)  # PostgreSQL's place moves on with other databases' transactions
    assert found == []
    started(store, {"page": "3"})
    for each in (place, later):
        assert [text for _, _, text in changes_of(store, "page", each)[0]] == ["3"]


def test_reader_of_a_feed_is_woken(farm):
    reader, writer = farm.two_nodes()
    _, place = changes_of(reader, "page", "")

    def write():
        time.sleep(0.1)
        return started(writer, {"page": "1"})

    found, key = in_threads([lambda: changes_of(reader, "page", place, 20)[0], write])
    assert found == [("page", key, "1")]


def test_reader_of_a_feed_waits_from_now_on(farm):
    reader, writer = farm.two_nodes()
    started(writer, {"page": "0"})
    heard = threading.Event()

    def read():
        try:
            return changes_of(reader, "page", "", 20)[0]
        finally:
            heard.set()

    def write():
        while not heard.wait(0.2):  # until it listens, what is written is before its now
            started(writer, {"page": "1"})

    found, _ = in_threads([read, write])
    assert {text for _, _, text in found} == {"1"}


def test_feed_misses_no_change_of_concurrent_writers(farm):
    """In every order in which the writers' changes become visible, a reader that reads on gets each once."""
    reader, writer = farm.two_nodes()
    _, place = changes_of(reader, "page", "")

    def write(number):
        key = started(writer, {})
        for step in range(WRITES):
            writer.apply(key, Change(put={"page": f"{number * WRITES + step}"}), NOW)

    def read():
        seen, after, deadline = [], place, time.monotonic() + 30
        while len(seen) < WRITERS * WRITES and time.monotonic() < deadline:
            found, after = changes_of(reader, "page", after, 1)
            seen += [int(text) for _, _, text in found]
        return seen

    seen, *_ = in_threads([read, *[lambda number=number: write(number) for number in range(WRITERS)]])
    assert sorted(seen) == list(range(WRITERS * WRITES))
    for number in range(WRITERS):
        mine = [text for text in seen if text // WRITES == number]
        assert mine == sorted(mine)


def test_refused_change_is_in_no_feed(store):
    key = started(store, {"page": '"x"'})
    _, place = changes_of(store, "page", "")
    with pytest.raises(TypeError):
        store.apply(key, Change(add={"page": 1}), NOW)
    with pytest.raises(LeaseLostError):
        store.apply(key, Change(put={"page": "1"}, holder="nobody's"), NOW)
    with pytest.raises(TypeError):
        store.modify(key, Increment("page", 1), NOW)
    assert changes_of(store, "page", place)[0] == []

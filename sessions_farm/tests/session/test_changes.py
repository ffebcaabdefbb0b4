"""Subscribers hear of each change of a shared variable, in order, from where they were; on every store."""

from __future__ import annotations

import asyncio
import threading
from itertools import islice

import pytest
from django.db import connections

from sessions_farm.session.changes import asubscribe, subscribe
from sessions_farm.tests.support.declared_farm import EVERY_STORE, again, handle, saved, use


@pytest.fixture(params=EVERY_STORE, autouse=True)
def farm(request, settings, tmp_path):
    use(settings, request.param, tmp_path)


def listening(heard, count, begun, **options):
    """Hear ``count`` changes in a thread."""

    def listen():
        try:
            changes = subscribe("mood", **options)
            begun.set()
            heard.extend(islice(changes, count))
        finally:
            connections.close_all()

    thread = threading.Thread(target=listen)
    thread.start()
    return thread


def test_feed_begins_now_and_resumes():
    first = saved(mood="calm", secret=1)
    heard, begun = [], threading.Event()
    thread = listening(heard, 3, begun)
    begun.wait()
    while thread.is_alive():  # until it listens, what is said may be before its now
        change(first, "stir")
        thread.join(0.05)
        change(first, "calm")
        thread.join(0.05)
    assert len(heard) == 3
    assert {one.handle for one in heard} == {handle(first)}
    assert {one.value for one in heard} <= {"stir", "calm"}

    place = heard[-1].place
    other = saved(mood="gay", page="/tea")
    change(other, "sad")
    gone = again(other)
    del gone["mood"]
    gone.save()
    behind = [(one.handle, one.value) for one in heard_after(place, 3)]
    assert behind[-3:] == [(handle(other), "gay"), (handle(other), "sad"), (handle(other), None)]


def heard_after(place, at_least):
    """All that follows a place, by the native way."""

    async def hear():
        found = []
        async for one in asubscribe("mood", after=place):
            found.append(one)
            if len(found) >= at_least and one.value is None:
                break
        return found

    return asyncio.run(asyncio.wait_for(hear(), 20))


def change(session, mood):
    one = again(session)
    one["mood"] = mood
    one.save()


def test_undeclared_variable_has_no_feed():
    with pytest.raises(ValueError, match="secret"):
        next(subscribe("secret"))

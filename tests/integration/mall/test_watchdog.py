"""What hangs ends itself; what rests, waits or is paused does not. A clock that is off keeps no task from a worker."""

import asyncio
import itertools
import threading
import time

import pytest
from celery import signature

from mall import beat
from mall.celery import app
from mall.queues import depth_of
from tests.support.waiting import wait_for
from vendors import watchdog
from vendors.watchdog import LoopWatchdog, Watchdog


def ended_after(progress, turns=8):
    """How often a watchdog with a limit of three turns ended its process, once it has looked so often or ended it."""
    ends, looks = [], itertools.count()
    looked = threading.Event()

    def look():
        if next(looks) >= turns:
            looked.set()
        return progress()

    dog = Watchdog("It", look, turn=0.01, most_idle=3, end=ends.append).start()
    wait_for(lambda: ends or looked.is_set(), "the watchdog to look")
    time.sleep(0.1)  # for a second end, which must not come
    dog.stop()
    return len(ends)


def test_a_process_without_progress_ends_once():
    assert ended_after(lambda: 7) == 1


def test_a_process_that_works_or_cannot_be_judged_goes_on():
    moments = iter(range(10_000))
    assert ended_after(lambda: next(moments)) == 0

    def away():
        raise ConnectionError("the broker is away")

    assert ended_after(away) == 0


class InStep(LoopWatchdog):
    """Its watchdog looks again once the loop has had its turn: a crowded machine may give it none for ten looks."""

    def __init__(self, application):
        super().__init__(application)
        self.ticks, self.ticked, self.enough = 0, threading.Event(), asyncio.Event()

    def _progress_of(self, loop):
        progress = super()._progress_of(loop)

        def look():
            seen = progress()
            while not self.ticked.wait(0.1) and not loop.is_closed():
                pass
            self.ticked.clear()
            return seen

        return look

    def _tick(self):
        super()._tick()
        self.ticks += 1
        if self.ticks == 30:
            self.enough.set()
        self.ticked.set()


@pytest.mark.parametrize("blocked", [True, False])
def test_a_node_whose_event_loop_is_stuck_ends(monkeypatch, blocked):
    ended = threading.Event()

    class Fast(Watchdog):
        def __init__(self, name, progress):
            super().__init__(name, progress, turn=0.01, most_idle=10, end=lambda _name: ended.set())

    monkeypatch.setattr(watchdog, "Watchdog", Fast)

    async def pages(_scope, _receive, _send):
        if blocked:
            ended.wait(60)  # holds the loop
        else:
            await asyncio.wait_for(application.enough.wait(), 60)

    application = LoopWatchdog(pages) if blocked else InStep(pages)
    asyncio.run(application({}, None, None))
    application._watchdog.stop()
    assert ended.is_set() is blocked


@pytest.fixture
def queue():
    with app.connection_for_write() as connection:
        channel = connection.channel()
        channel.queue_declare(queue="celery")
        channel.queue_purge("celery")
        yield channel
        channel.queue_purge("celery")


def scheduler():
    found = beat.Scheduler(app, lazy=True)
    entry = found.Entry(
        name="sweep", task="mall.sweep_sessions", schedule=app.conf.beat_schedule["sweep-sessions"]["schedule"], app=app
    )
    return found, entry


def test_beat_sends_nothing_to_a_deep_queue(queue, monkeypatch):
    monkeypatch.setattr(beat, "DEEP", 3)
    own, entry = scheduler()
    for _ in range(5):
        own.apply_entry(entry)
    assert depth_of("celery") == 3


def test_no_periodic_message_expires_by_a_clock(queue):
    own, entry = scheduler()
    own.apply_entry(entry)
    message = queue.basic_get("celery")
    assert message.headers["expires"] is None
    assert [name for name, entry in app.conf.beat_schedule.items() if "expires" in entry.get("options", {})] == []
    assert [
        name for name in app.tasks if not name.startswith("celery.") and signature(name, app=app).type.expires
    ] == []

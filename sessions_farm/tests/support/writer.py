"""A process of the farm that changes sessions when it is told to: the tests of lost updates start several.

A line of JSON in, a line out. The first is the settings; each further one is a round: ``updates`` changes of one
session (``id``) through one engine, as ``me``. The answer tells what was acknowledged, and nothing that was not.
In between a writer meets the others: it says so, and goes on at the line that tells it that all have come so far.
"""

from __future__ import annotations

import json
import sys
import time
import traceback


def main():
    from django.conf import settings  # noqa: PLC0415 -- there are none yet

    settings.configure(**json.loads(sys.stdin.readline()))
    import django  # noqa: PLC0415 -- as above

    django.setup()
    say({"ready": True})
    for line in sys.stdin:
        try:
            say(play(**json.loads(line)))
        except Exception:  # noqa: BLE001 -- told to the test, which fails with it
            say({"fault": traceback.format_exc()})


def say(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def meet():
    """Wait until every writer of the round is here: what each has read by now, none has seen another change."""
    say({"meets": True})
    sys.stdin.readline()


def play(engine, options, id, me, updates):  # noqa: A002 -- what it is called everywhere
    put_options_in_force(options)
    if engine == "farm":
        return Farm(id, me).play(updates)
    return Stock(engine, id, me).play(updates)


def put_options_in_force(options):
    from django.conf import settings  # noqa: PLC0415 -- configured by now
    from django.core.signals import setting_changed  # noqa: PLC0415

    if options != settings.SESSIONS_FARM:
        settings.SESSIONS_FARM = options
        setting_changed.send(sender=None, setting="SESSIONS_FARM", value=options, enter=True)


class Writer:
    """What one process was acknowledged: its own variable's changes, and the same variables' that all change."""

    def __init__(self, session_id, me):
        self.id, self.me = session_id, me
        self.own, self.sums, self.items, self.steps, self.conflicts = 0, [], [], [], 0
        self.mark = None  # whether our mark stands, which is put and dropped in turn

    def play(self, updates):
        while self.own + len(self.sums) + len(self.items) + len(self.steps) < updates:
            self.request()
        names = ("own", "sums", "items", "steps", "conflicts", "mark")
        return {name: getattr(self, name) for name in names}

    def change_own(self, session):
        """One variable put to its next number, another put or dropped."""
        session[f"own_{self.me}"] = session.get(f"own_{self.me}", 0) + 1
        if self.mark:
            session.pop(f"mark_{self.me}", None)
        else:
            session[f"mark_{self.me}"] = 1

    def learn_own(self):
        self.own += 1
        self.mark = not self.mark


class Farm(Writer):
    """A request loads once, changes its own variables, and then the common ones by each operation."""

    def request(self):
        from sessions_farm.session.ids import Proof  # noqa: PLC0415 -- as above
        from sessions_farm.session.session import SessionStore  # noqa: PLC0415

        session = SessionStore(proof=Proof(self.id, int(time.time())))
        self.change_own(session)
        session.save()
        self.learn_own()
        for _ in range(3):
            self.sums.append(session.increment("sum"))
            item = [self.me, len(self.items)]
            session.append("items", item)
            self.items.append(item)
        before = session.get("step")
        if not self.steps:
            meet()  # then one of all can succeed at the first try
        while not session.compare_and_set("step", before, (before or 0) + 1):
            self.conflicts += 1
            before = session.get("step")
        self.steps.append((before or 0) + 1)


class Stock(Writer):
    """The same changes in the way that stock engines know: read, change, save."""

    def __init__(self, engine, session_id, me):
        super().__init__(session_id, me)
        self.engine = engine

    def request(self):
        from sessions_farm.tests.support.stock_engines import STOCK  # noqa: PLC0415 -- as above

        session = STOCK[self.engine](self.id)
        self.change_own(session)
        step = session["step"] = session.get("step", 0) + 1
        total = session["sum"] = session.get("sum", 0) + 1
        item = [self.me, len(self.items)]
        session["items"] = [*session.get("items", []), item]
        meet()  # then each has changed what all have read, and the last one's save is all that stays
        session.save()
        self.learn_own()
        self.sums.append(total)
        self.items.append(item)
        self.steps.append(step)


if __name__ == "__main__":
    main()

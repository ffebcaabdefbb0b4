"""What requests of one browser do to its sessions, in sequences that a seed chooses, and who saw an ended one live."""

from __future__ import annotations

import base64
import random
import secrets
import time

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted

from sessions_farm.session import ids
from sessions_farm.session.ids import Proof
from sessions_farm.session.session import SessionStore

USER = "_auth_user_id"
HOUR = 3600 * 10**9  # in nanoseconds
REFUSALS = (UpdateError, SessionInterrupted)


def farm_session(session_id):
    return SessionStore(proof=Proof(session_id, int(time.time()))) if session_id else SessionStore()


class World:
    """Time, which a request can let pass, and the chance that ids are made of: both as the seed has it.

    The engine asks ``time.time_ns`` and ``secrets.token_urlsafe``. ``salt`` makes other ids of the same seed.
    """

    def __init__(self, monkeypatch):
        real, self.ahead, self.salt = time.time_ns, 0, ""
        monkeypatch.setattr(time, "time_ns", lambda: real() + self.ahead)
        monkeypatch.setattr(secrets, "token_urlsafe", self.token)

    def begin(self, seed):
        self.ahead, self.chance = 0, random.Random(f"ids of {seed} {self.salt}")

    def token(self, size=32):
        return base64.urlsafe_b64encode(self.chance.randbytes(size)).rstrip(b"=").decode()


class Story:
    """One interleaving: which ids browsers know, which of them have ended, and who saw an ended one live."""

    def __init__(self, stage, world, seed, open_session, empty=None):
        self.stage, self.world, self.seed, self.open, self.empty = stage, world, seed, open_session, empty
        self.random = random.Random(f"story {seed}")
        world.begin(seed)
        self.known, self.ended, self.revived = [], {}, []
        self.kept = set()  # ids under which something was written, and acknowledged

    def play(self, kinds, ends):
        """Two or three requests' sequences at once, one of which ends something; then everyone looks once more."""
        self.begin()
        if self.empty and self.random.random() < 0.5:
            self.empty()
        scripts = [self.random.choices(kinds, k=self.random.randint(1, 3)) for _ in range(self.random.choice([2, 3]))]
        scripts[0].insert(self.random.randint(0, len(scripts[0])), self.random.choice(ends))
        self.stage.play(self.seed, [lambda script=script: self.act(script) for script in scripts])

    def begin(self):
        """With a session of somebody signed in; or, where ids are proven, in a third of the stories with an id only."""
        if self.open is farm_session and self.random.random() < 0.3:
            self.known.append(ids.new_id())
            look(self, self.known[0])
            return
        first = self.open(None)
        first.update({USER: "7", "x": 1})
        first.save()
        self.known.append(first.session_key)
        self.kept.add(first.session_key)

    def act(self, script):
        for do in script:
            session_id = self.random.choice(self.known)
            had_ended = self.ended.get(session_id)
            self.stage.pass_on(f"begins to {do.__name__}")
            try:
                session = do(self, session_id)
            except REFUSALS:
                continue
            if session is not None and had_ended and lives(session, session_id, had_ended):
                self.revived.append((do.__name__, session_id))
            self.learn(do, session)

    def learn(self, do, session):
        """The browser's answer: an id that is new to it, or one that has a session now."""
        if session is None or session.session_key is None:
            return
        if session.session_key not in self.known:
            self.known.append(session.session_key)
        if do in WRITERS:
            self.kept.add(session.session_key)

    def judge(self):
        """Who lives that has ended: as first seen, after a late write, and as seen by the next (from a copy, say)."""
        for session_id, how in self.ended.items():
            for do in (look, write, look):
                try:
                    session = do(self, session_id)
                except REFUSALS:
                    continue
                if lives(session, session_id, how):
                    self.revived.append(("at the end", session_id))
        return self.revived

    def gone(self):
        """Ids that have a session, that nobody has ended, and that no longer work."""
        return [name for name in self.kept - self.ended.keys() if not dict(look(self, name).items())]

    def told(self):
        turns = "\n".join(f"{place}: {what}" for place, what in self.stage.trace)
        return f"SEED={self.seed}: {self.revived or self.gone()} of {self.known}, ended {self.ended}\n{turns}"


def lives(session, session_id, how):
    """Whether a load under an ended id gave a session: any variable of it, or an id that goes on.

    One that was rotated may be read for its grace by whoever was under way: that is no life, for it cannot be written.
    """
    if session.session_key not in {session_id, None}:
        return False  # a new one took its place
    in_grace = how == "rotated" and getattr(session, "in_grace", False)
    return bool(session.get(USER) or session.get("x")) and not in_grace


def look(story, session_id):
    session = story.open(session_id)
    session.get("x")
    return session


def slide(story, session_id):
    """After a tenth of the idle time, so that the load touches."""
    story.world.ahead += 34 * HOUR
    return look(story, session_id)


def write(story, session_id):
    session = look(story, session_id)
    session["x"] = session.get("x", 0) + 1
    story.stage.pass_on("thinks")
    session.save()
    return story.open(session_id)


def drop(story, session_id):
    session = look(story, session_id)
    session.pop("x", None)
    session["y"] = 1
    session.save()
    return story.open(session_id)


def replace(story, session_id):
    """Every variable, without a load."""
    session = story.open(session_id)
    session.clear()
    session.update({USER: "7", "x": 1})
    session.save()
    return story.open(session_id)


def rotate(story, session_id):
    session = look(story, session_id)
    session[USER] = "7"
    session.cycle_key()
    story.stage.pass_on("has a new id")
    session.save()
    if session.session_key != session_id:
        story.ended.setdefault(session_id, "rotated")
    return session


def log_out(story, session_id):
    session = look(story, session_id)
    story.stage.pass_on("logs out")
    ending = session.session_key
    session.flush()
    if ending:
        story.ended[ending] = "deleted"


def delete(story, session_id):
    story.open(session_id).delete(session_id)
    story.ended[session_id] = "deleted"


def exist(story, session_id):
    had_ended = session_id in story.ended
    if story.open(None).exists(session_id) and had_ended:
        story.revived.append(("exists", session_id))


def increment(story, session_id):
    session = story.open(session_id)
    session.increment("x")
    return story.open(session_id)


def append(story, session_id):
    session = look(story, session_id)
    session.append("list", 1)
    return story.open(session_id)


def compare_and_set(story, session_id):
    session = look(story, session_id)
    session.compare_and_set("y", session.get("y"), 2)
    return story.open(session_id)


def come_with_a_bare_key(story, session_id):
    session = SessionStore(session_id)
    session["x"] = session.get("x", 0) + 1
    session.save()
    return session


def lose_all_copies(story, session_id):
    if story.empty:
        story.empty()


WRITERS = {write, drop, replace, rotate, increment, append, compare_and_set, come_with_a_bare_key}
ENDS = [log_out, delete, rotate]
STOCK_KINDS = [look, look, write, write, drop, exist, *ENDS]
KINDS = [*STOCK_KINDS, slide, replace, increment, append, compare_and_set, come_with_a_bare_key]

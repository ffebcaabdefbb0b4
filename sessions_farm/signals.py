"""Signals of sessions: started, rotated, merged, ended."""

from django.dispatch import Signal

# What happened to a session, told by the sweeper a moment later, in the order in which it was written down
# (sessions_farm.session.events). Each is sent with ``handle`` (the keyed hash of the id), ``at`` (Unix ms), ``reason``,
# ``other`` and ``shared`` (the declared variables, at the end). Joining: each in a transaction of its own.
session_started = Signal()
session_ended = Signal()  # exactly once for each session; reason: expired, ended, merged, evicted
session_merged = Signal()  # before its session_ended
session_rotated = Signal()  # ``other`` is the new handle

# Someone has signed in to a session (``request``, ``user``, ``session``), by Django's login or by a moved session of
# another engine. Joining: a receiver's exception is the login's.
session_signed_in = Signal()

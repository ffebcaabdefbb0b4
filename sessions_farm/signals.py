"""The signals of the session farm: what upper apps may join in, and what happens inside it."""

from django.dispatch import Signal

# Joining: sent by ``send()`` inside the transaction that merges ``source`` into ``target`` (both Visitor, of one
# community); a receiver's exception rolls the merge back. A pair is sent once.
visitors_merging = Signal()

# Inside the transaction of any change to a community or a domain, before the change.
registry_changing = Signal()

# After the commit of any change to a community or a domain.
registry_changed = Signal()

# What happened to a session, told by the sweeper a moment later, in the order in which it was written down
# (sessions_farm.events). Each is sent with ``handle`` (the keyed hash of the id), ``at`` (Unix ms), ``reason``,
# ``other`` and ``shared`` (the declared variables, at the end). Joining: each in a transaction of its own.
session_started = Signal()
session_ended = Signal()  # exactly once for each session; reason: expired, ended, merged, crowded
session_merged = Signal()  # before its session_ended
session_rotated = Signal()  # ``other`` is the new handle

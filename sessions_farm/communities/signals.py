"""Signals of communities: merged visitors, for other apps to follow, and changes of the registry."""

from django.dispatch import Signal

# Sent inside the transaction that merges ``source`` into ``target`` (both Visitor, of one community), once for a pair.
# It is sent by ``send()``: an exception of a receiver rolls the merge back.
visitors_merging = Signal()

# Inside the transaction of any change to a community or a domain, before the change.
registry_changing = Signal()

# After the commit of any change to a community or a domain.
registry_changed = Signal()

"""The signals of communities: what upper apps may join in, and changes of the registry."""

from django.dispatch import Signal

# Joining: sent by ``send()`` inside the transaction that merges ``source`` into ``target`` (both Visitor, of one
# community); a receiver's exception rolls the merge back. A pair is sent once.
visitors_merging = Signal()

# Inside the transaction of any change to a community or a domain, before the change.
registry_changing = Signal()

# After the commit of any change to a community or a domain.
registry_changed = Signal()

"""Visitors: their ids, merges and state, and the profile that shows session, visitor and user as one mapping."""

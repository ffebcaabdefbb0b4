"""Visitors: their ids, their merges, their state, and the profile that shows session, visitor and user as one mapping."""

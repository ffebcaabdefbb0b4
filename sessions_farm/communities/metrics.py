"""Metrics of hand-offs for Prometheus, counted on each node."""

from __future__ import annotations

from sessions_farm.session.metrics import Counter

HANDOFFS = Counter("farm_handoffs", "Steps of hand-offs by their outcome.", ["outcome"])
HANDOFFS_SKIPPED = Counter("farm_handoffs_skipped", "Pages without an id that began no hand-off.", ["reason"])
HANDOFF_REFUSALS = Counter("farm_handoff_refusals", "Refused requests to the endpoints of hand-offs.", ["reason"])

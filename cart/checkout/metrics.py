"""Metrics of the checkout's limits for Prometheus, counted on each node."""

from __future__ import annotations

from prometheus_client import Counter

DECLINED_CARDS = Counter("mall_declined_cards", "Cards that gateways reported as declined.")
CHECKOUTS_REFUSED = Counter("mall_checkouts_refused", "Payments refused by a limit on abuse.", ["reason"])

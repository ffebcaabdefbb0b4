"""Metrics of a runner for Prometheus."""

from prometheus_client import Counter, Gauge

ATTEMPTS = Counter("mall_dispatch_attempts", "Attempts to send a dispatch, by outcome.", ["outcome"])
UNDER_WAY = Gauge("mall_dispatch_sends_under_way", "Sends and looks for acknowledgements under way.")
DATABASE_AWAY = Counter("mall_dispatch_database_away", "Turns that the database did not take.")

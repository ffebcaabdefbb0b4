"""Metrics of a runner for Prometheus, and of the outbox as its monitor sees it."""

from prometheus_client import Counter, Gauge

ATTEMPTS = Counter("mall_dispatch_attempts", "Attempts to send a dispatch, by outcome.", ["outcome"])
UNDER_WAY = Gauge("mall_dispatch_sends_under_way", "Sends and looks for acknowledgements under way.")
DATABASE_AWAY = Counter("mall_dispatch_database_away", "Turns that the database did not take.")
UNFINISHED = Gauge("mall_dispatch_unfinished", "Dispatches that are not finished, by state.", ["state"])
OLDEST_DUE = Gauge("mall_dispatch_oldest_due_seconds", "For how long the oldest dispatch that is due waits.")
ROUTES_HELD = Gauge("mall_dispatch_routes_held", "Routes that are held until a person has looked.")
ROUTES_FAILING = Gauge("mall_dispatch_routes_failing", "Routes whose last attempt failed.")
ALARMS = Counter("mall_dispatch_alarms", "Vendors whose trouble was mailed to both sides.")
UNMAILED = Counter("mall_dispatch_alarms_unmailed", "Troubles of vendors for which no mail was taken.")
LIMITED = Counter("mall_department_requests_limited", "Requests of departments beyond a limit of rate.", ["by"])

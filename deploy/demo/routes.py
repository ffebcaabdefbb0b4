"""Routes to the shipping departments of the demo's vendors; the environment names the addresses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime

from deploy.demo import catalogue
from deploy.demo.places import Places
from shipping.envelope import SigningKey
from shipping.services import set_up_route
from shipping.signing_keys import ensure_key

type Way = tuple[dict[str, object], dict[str, str]]
"""A route's config and its secrets."""


def load_routes(places: Places, now: datetime, environ: Mapping[str, str] = os.environ) -> int:
    """Point each vendor's route at the department that runs now, for its port may be another than last time.

    Vendors whose department is not named in the environment keep the route they have. Return the number of routes set.
    """
    ways = _ways(environ)
    keys = {key.vendor: key for key in map(SigningKey.parse, environ.get("DEMO_SIGNING_KEYS", "").splitlines())}
    reached = [entry for entry in catalogue.vendors(places.mall) if entry.department in ways]
    for entry in reached:
        config, secrets = ways[entry.department]
        vendor = places.vendors[entry.slug]
        ensure_key(vendor=vendor, key=keys.get(entry.slug))
        set_up_route(vendor=vendor, transport=entry.department, config=config, secrets=secrets, now=now)
    return len(reached)


def _ways(environ: Mapping[str, str]) -> dict[str, Way]:
    ways: dict[str, Way] = {}
    if url := environ.get("DEMO_HTTP_URL"):
        ways["http"] = {"url": url}, {"secret": environ["DEMO_HTTP_SECRET"]}
    if address := environ.get("DEMO_MAILBOX_ADDRESS"):
        ways["email"] = {"to": address}, {}
    if host := environ.get("DEMO_SFTP_HOST"):
        config: dict[str, object] = {
            "host": host,
            "port": int(environ["DEMO_SFTP_PORT"]),
            "user": environ["DEMO_SFTP_USER"],
            "host_key": environ["DEMO_SFTP_HOST_KEY"],
        }
        ways["sftp"] = config, {"password": environ["DEMO_SFTP_PASSWORD"]}
    return ways

"""Routes to the shipping departments of the demo's vendors; the environment names the addresses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from deploy.demo import catalogue
from deploy.demo.places import Places
from shipping.envelope import SigningKey
from shipping.models import Route
from shipping.services import set_up_route
from shipping.signing_keys import ensure_key
from shipping.transports.pull_ftp import PullFtpTransport

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
        route = set_up_route(vendor=vendor, transport=entry.department, config=config, secrets=secrets, now=now)
        if entry.department == "pull_ftp":
            _say_user(route, environ)
    return len(reached)


def _say_user(route: Route, environ: Mapping[str, str]) -> None:
    """Write the name by which the department signs in at its drop folder, which its program waits for."""
    if file := environ.get("DEMO_DROP_FOLDER_USER_FILE"):
        Path(file).write_text(PullFtpTransport.user_of(route.department.vendor.slug, route.department_id))


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
    if host := environ.get("DEMO_FTP_HOST"):
        config = {
            "host": host,
            "port": int(environ["DEMO_FTP_PORT"]),
            "user": environ["DEMO_FTP_USER"],
            "in_clear": True,
            "slips": True,
        }
        ways["ftp"] = config, {"password": environ["DEMO_FTP_PASSWORD"]}
    if public_key := environ.get("DEMO_DROP_FOLDER_KEY"):
        ways["pull_ftp"] = {"public_key": public_key.strip(), "slips": True}, {}
    for name in environ.get("DEMO_PULL", "").split():
        ways[name] = ({"script": "take_order", "mode": "wait"} if name == "agent" else {}), {}
    return ways

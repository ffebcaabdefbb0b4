"""The tests' settings: the project's own, on servers of the test run, with what is slow on purpose made fast."""

import os

from tests.support import private_servers

private_servers.start()  # before the project's settings read the addresses
os.environ.setdefault("SECRET_KEY", "tests-only-0f8d5c2a4b7e49d3a1c6")
os.environ.setdefault("DEMO", "1")  # static files by finders: nothing to collect before a test

from mall.settings import *  # noqa: E402, F403
from mall.settings import DATABASES, SESSIONS_FARM, SESSIONS_FARM_COMMUNITIES  # noqa: E402

# The pool's threads would hold connections to the test database, which could then not be dropped.
DATABASES["default"]["OPTIONS"].pop("pool", None)
DATABASES["default"]["OPTIONS"].pop("options")  # a crowded machine may take its time over a test's statement
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_URL = "memory://"  # a task that is sent waits there; tests call tasks themselves
LOG_FORMAT = "plain"
EGRESS_ALLOW = ["127.0.0.0/8"]
SESSIONS_FARM["REDIS_TIMEOUT"] = 30  # a busy machine is not a broken Redis
SESSIONS_FARM["TIER_POLL"] = 3600  # no test's count of statements has what a node asks once a second for all its pages
SESSIONS_FARM_COMMUNITIES["REGISTRY_POLL_SECONDS"] = (
    0  # no thread beside the tests; each test's own changes are seen at once
)
SESSIONS_FARM_COMMUNITIES["PROBE_SECONDS"] = 0  # no hand-off of a test goes over the wire
STATIC_ROOT = None  # nothing is collected: files come from the apps' own folders
WHITENOISE_AUTOREFRESH = True  # files are looked for when they are asked for, not listed anew for each test client

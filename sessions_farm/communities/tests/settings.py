"""The settings of the communities' own test run: the engine's, and the app."""

from sessions_farm.tests.settings import *  # noqa: F403
from sessions_farm.tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "sessions_farm.communities"]
PUBLIC_SCHEME, PUBLIC_PORT = "http", 8000
SESSIONS_FARM_COMMUNITIES = {"REGISTRY_POLL_SECONDS": 0}  # no thread beside the tests

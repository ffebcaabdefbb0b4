"""The mall's settings and the demo's commands, for programs that fill a database with the demo."""

from mall.settings import *  # noqa: F403
from mall.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "deploy.demo"]

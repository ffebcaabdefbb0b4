"""The mall without the locks on stock: the control of the crowd on running nodes."""

from mall.settings import *  # noqa: F403
from mall.settings import MIDDLEWARE

MIDDLEWARE.append("tests.support.unlocked.UnlockedMiddleware")

"""The mall with the breaker that counts lost hand-offs: the control of the test of floods on running nodes."""

from mall.settings import *  # noqa: F403
from mall.settings import MIDDLEWARE

HANDOFF = "sessions_farm.communities.handoff.middleware.HandoffMiddleware"
MIDDLEWARE.insert(
    MIDDLEWARE.index(HANDOFF), "sessions_farm.communities.tests.support.lost_handoffs.LostHandoffsMiddleware"
)

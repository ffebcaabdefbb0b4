"""The fixtures of the tests of communities."""

from sessions_farm.communities.tests.support.fixtures import (  # noqa: F401 -- pytest finds them by name
    _no_remembered_domains,
    committed_mall,
    two_communities,
    walking_mall,
)

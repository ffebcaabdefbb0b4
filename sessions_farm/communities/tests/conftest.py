"""The fixtures of the tests of communities."""

from sessions_farm.communities.tests.support.fixtures import (  # noqa: F401 -- pytest finds them by name
    _no_remembered_domains,
    committed_mall,
    limited,
    two_communities,
    walking_mall,
)
from sessions_farm.tests.support.scale import (  # noqa: F401 -- as above
    at_proof,
    pytest_collection_modifyitems,
    scale,
)

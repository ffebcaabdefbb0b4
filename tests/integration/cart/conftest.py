"""A mall to put things into the cart of."""

import pytest

from tests.support.shop import make_shop


@pytest.fixture
def shop(db):
    return make_shop()

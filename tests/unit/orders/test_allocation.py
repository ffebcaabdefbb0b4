"""Amounts are split to the penny."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart.orders.allocation import split_amount

WEIGHTS = st.dictionaries(st.integers(), st.integers(0, 10**7), min_size=1, max_size=8)


@given(st.integers(0, 10**8), WEIGHTS)
def test_shares_add_up_and_are_within_a_penny_of_their_proportion(amount, weights):
    total = sum(weights.values())
    if amount and not total:
        with pytest.raises(ValueError, match="Nothing can take"):
            split_amount(amount, weights)
        return
    shares = split_amount(amount, weights)
    assert sum(shares.values()) == amount
    assert all(abs(shares[key] * total - amount * weight) < max(total, 1) for key, weight in weights.items())
    if amount <= total:
        assert all(shares[key] <= weight for key, weight in weights.items())


def test_pennies_that_are_left_go_to_the_largest_remainders():
    assert split_amount(100, {"a": 1, "b": 1, "c": 1}) == {"a": 34, "b": 33, "c": 33}
    assert split_amount(10, {"a": 6, "b": 17, "c": 7}) == {"a": 2, "b": 6, "c": 2}

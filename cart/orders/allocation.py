"""Amounts split to the penny by the largest remainder."""

from __future__ import annotations

from collections.abc import Hashable, Mapping


def split_amount[Key: Hashable](amount: int, weights: Mapping[Key, int]) -> dict[Key, int]:
    """Return the amount's share by key, in proportion to the weights; the shares add up to the amount.

    Each share is rounded down, and the pennies that are left go to the largest remainders, the earlier key first
    (Hare and Niemeyer's method). No share exceeds its weight where the amount does not exceed their sum. Raise
    ValueError for an amount that nothing can take.
    """
    total = sum(weights.values())
    if amount and not total:
        raise ValueError(f"Nothing can take a share of {amount}.")
    if not amount:
        return dict.fromkeys(weights, 0)
    shares = {key: amount * weight // total for key, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda key: -(amount * weights[key] % total))
    for key in by_remainder[: amount - sum(shares.values())]:
        shares[key] += 1
    return shares

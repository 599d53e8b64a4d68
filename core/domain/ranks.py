"""Ranks with their uncertainty, and which models can't be told apart."""

from collections.abc import Callable, Sequence

import numpy as np
import scipy

from core.domain.estimation import Floats


def rank_shares(draws: Floats) -> Floats:
    """Share of draws in which each model stands at each rank; ties share their ranks evenly.

    Args:
        draws: shape (resamples, models), greater is better.

    Returns:
        Shape (models, ranks), rows and columns sum to 1; column 0 is rank 1.
    """
    models = draws.shape[1]
    shares = np.zeros((models, models))
    last = scipy.stats.rankdata(draws, method="max", axis=1)  # 1 is the worst
    better = models - last  # how many beat each model
    tied = last - scipy.stats.rankdata(draws, method="min", axis=1) + 1  # itself included
    for rank in range(models):
        at = (better <= rank) & (rank < better + tied)
        shares[:, rank] = (at / tied).mean(0)
    return shares


def rank_interval(shares: Floats) -> tuple[int, int]:
    """The ranks, from 1, between which a model stands in the middle 95% of draws.

    Args:
        shares: shape (ranks,), one row of `rank_shares`.
    """
    cumulated = shares.cumsum()
    low = int(np.searchsorted(cumulated, 0.025 + 1e-12))
    high = int(np.searchsorted(cumulated, 0.975 - 1e-12))
    last = len(shares) - 1
    return min(low, last) + 1, min(high, last) + 1


def brackets(count: int, is_apart: Callable[[int, int], bool]) -> list[Sequence[int]]:
    """Runs of neighbours in a ranking of which no two can be told apart, longest ones only.

    Args:
        count: number of models, in the order of the ranking.
        is_apart: whether two places of the ranking differ.
    """
    runs: list[Sequence[int]] = []
    for first in range(count):
        last = first
        while last + 1 < count and not any(is_apart(i, last + 1) for i in range(first, last + 1)):
            last += 1
        if last > first and (not runs or last > runs[-1][-1]):
            runs.append(range(first, last + 1))
    return runs

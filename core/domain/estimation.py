"""A number with its n and its interval; intervals take whole questions as the unit of chance."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

RESAMPLES = 2_000
_Z = 1.959963984540054
_CHUNK = 200

Undefined = Literal["no_pairs", "no_variation"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95% interval, or the reason why it is undefined.

    `low` and `high` are None where the value is undefined, or where fewer than two questions
    (or too few defined resamples) leave nothing to tell the spread from.
    """

    value: float | None
    n: int
    low: float | None
    high: float | None
    undefined_because: Undefined | None


def share_estimate(hits: npt.NDArray[np.bool_], clusters: npt.NDArray[np.intp]) -> Estimate:
    """Share of true values with a Wilson interval on the effective sample size.

    n_eff = p(1−p)/se², se² being the between-cluster variance of the ratio estimator, and at
    most n; where p is 0 or 1, n_eff is the number of clusters.

    Args:
        hits: shape (n,).
        clusters: shape (n,), the question of each.
    """
    n = len(hits)
    if n == 0:
        return Estimate(None, 0, None, None, "no_pairs")
    names, index = np.unique(clusters, return_inverse=True)
    share = float(hits.mean())
    size = _effective_size(hits, index, len(names), share)
    low, high = wilson_interval(share, size)
    return Estimate(share, n, low, high, None)


def wilson_interval(share: float, n: float) -> tuple[float, float]:
    """95% score interval of a share (Wilson 1927); `n` need not be whole."""
    z2 = _Z * _Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def resampled_tables(
    tables: npt.NDArray[np.float64], *, seed: int, resamples: int = RESAMPLES
) -> npt.NDArray[np.float64]:
    """Sum of tables over clusters drawn with replacement, as often as there are clusters.

    Args:
        tables: shape (clusters, K, K).

    Returns:
        Shape (resamples, K, K).
    """
    clusters = len(tables)
    if clusters == 0:
        return np.zeros((resamples, *tables.shape[1:]))
    generator = np.random.default_rng(seed)
    flat = tables.reshape(clusters, -1)
    even = np.full(clusters, 1.0 / clusters)
    drawn = [
        generator.multinomial(clusters, even, size=min(_CHUNK, resamples - start)) @ flat
        for start in range(0, resamples, _CHUNK)
    ]
    return np.concatenate(drawn).reshape(resamples, *tables.shape[1:])


def interval_of(
    draws: npt.NDArray[np.float64], *, clusters: int
) -> tuple[float | None, float | None]:
    """2.5% and 97.5% points of the defined draws; None with one cluster or half undefined."""
    defined = draws[~np.isnan(draws)]
    if clusters < 2 or 2 * len(defined) < len(draws):
        return None, None
    low, high = np.quantile(defined, (0.025, 0.975))
    return float(low), float(high)


def _effective_size(
    hits: npt.NDArray[np.bool_],
    index: npt.NDArray[np.intp],
    clusters: int,
    share: float,
) -> float:
    n = len(hits)
    if share in (0.0, 1.0) or clusters < 2:
        return float(clusters)
    sizes = np.bincount(index, minlength=clusters)
    sums = np.bincount(index, weights=hits.astype(float), minlength=clusters)
    residuals = sums - share * sizes
    variance = clusters / (clusters - 1) * float((residuals**2).sum()) / n**2
    if variance == 0.0:
        return float(n)
    return min(float(n), share * (1 - share) / variance)

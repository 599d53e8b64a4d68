"""A number with its n and its interval; intervals take whole questions as the unit of chance."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

RESAMPLES = 2_000
Z = 1.959963984540054
_CHUNK = 200
_AT_ONCE = 1 << 16
#: From so many clusters on, up to as many, Poisson counts stand for multinomial ones; they are kept
#: between calls (a byte for each cluster and resample).
_POISSON_FROM, _POISSON_TO = 256, 4_096
#: Sums of so many clusters of whole numbers below this are exact in single precision.
_EXACT = 1 << 10
#: A binomial draw costs about so many whole-number draws.
_KINDS_COST = 8
#: Resampled values that differ by less than this differ by rounding alone.
NO_SPREAD = 1e-9

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

#: Why there is no number: nothing to compare; all marks equal; too little to say anything;
#: units with different numbers of raters; a judge no better than chance.
Undefined = Literal[
    "no_pairs", "no_variation", "too_few", "unequal_raters", "no_better_than_chance"
]

#: Where an interval comes from: resampled questions; a score interval on the effective size; the
#: score interval of the agreement with chance agreement held, where resampling shows no spread;
#: a normal interval on a clustered standard error.
IntervalBy = Literal["", "bootstrap", "wilson", "wilson_held_chance", "normal"]


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
    interval_by: IntervalBy = ""


def undefined(n: int, because: Undefined) -> Estimate:
    """No value, and why."""
    return Estimate(None, n, None, None, because)


def quotient(above: npt.ArrayLike, below: npt.ArrayLike) -> Floats:
    """Quotient of each pair of elements, broadcast; NaN where the divisor is 0."""
    over, under = np.broadcast_arrays(np.asarray(above, float), np.asarray(below, float))
    found: Floats = np.divide(over, under, out=np.full(over.shape, np.nan), where=under != 0)
    return found


def share_estimate(hits: Bools, clusters: Indices, weights: Floats | None = None) -> Estimate:
    """Share of true values with a Wilson interval on the effective sample size; `no_pairs` of none.

    n_eff = p(1−p)/se², se² being the between-cluster variance of the ratio estimator, and at
    most n; where p is 0 or 1, n_eff is the (effective) number of clusters.

    Args:
        hits: shape (n,).
        clusters: shape (n,), the question of each.
        weights: shape (n,), 1/π where units were drawn with unequal probabilities π.
    """
    n = len(hits)
    if n == 0:
        return undefined(0, "no_pairs")
    share, variance, size = ratio_and_variance(hits.astype(float), clusters, weights)
    if share in (0.0, 1.0) or size < 2:
        n_eff = size
    elif variance == 0.0:
        n_eff = float(n)
    else:
        n_eff = min(float(n), share * (1 - share) / variance)
    low, high = wilson_interval(share, n_eff)
    return Estimate(share, n, low, high, None, "wilson")


def mean_estimate(values: Floats, clusters: Indices) -> Estimate:
    """Mean with a normal interval, ± 1.96 standard errors (`ratio_and_variance`).

    Undefined (`no_pairs`) of no value; one cluster leaves it without an interval.

    Args:
        values, clusters: shape (n,).
    """
    if len(values) == 0:
        return undefined(0, "no_pairs")
    mean, variance, size = ratio_and_variance(values, clusters)
    if size < 2:
        return Estimate(mean, len(values), None, None, None)
    half = Z * math.sqrt(variance)
    return Estimate(mean, len(values), mean - half, mean + half, None, "normal")


def ratio_and_variance(
    values: Floats, clusters: Indices, weights: Floats | None = None
) -> tuple[float, float, float]:
    """Weighted mean, the variance of it between clusters, and the effective number of clusters.

    The variance is that of the ratio estimator, C/(C−1)·Σ_c (Σ_i w_i(x_i − x̄))²/(Σw)² (Cochran
    1977, 11.3); 0 where there is one cluster only.

    Args:
        values, clusters, weights: shape (n,), n ≥ 1.
    """
    w = np.ones(len(values)) if weights is None else weights
    names, index = np.unique(clusters, return_inverse=True)
    total = float(w.sum())
    # The plain mean is exact where all are 0 or all are 1; a weighted sum may miss by 1 in 1e16.
    mean = float(values.mean() if weights is None else np.average(values, weights=w))
    if values.min() == values.max():
        mean = float(values[0])
    residuals = np.bincount(index, weights=w * (values - mean), minlength=len(names))
    sizes = np.bincount(index, weights=w, minlength=len(names)).astype(float)
    effective = float(len(names)) if weights is None else effective_n(sizes)
    if len(names) < 2:
        return mean, 0.0, effective
    variance = len(names) / (len(names) - 1) * float((residuals**2).sum()) / total**2
    return mean, variance, effective


def effective_n(weights: Floats) -> float:
    """How many equally weighted units carry as much (Kish 1965): (Σw)²/Σw²; 0 of none."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0


def wilson_interval(share: float, n: float) -> tuple[float, float]:
    """95% score interval of a share (Wilson 1927).

    Args:
        share: 0 to 1.
        n: above 0, and need not be whole.
    """
    z2 = Z * Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def resampled_tables(tables: Floats, *, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Sum of tables over clusters drawn with replacement, as often as there are clusters.

    That is the bootstrap of whole clusters (Davison and Hinkley 1997, 3.8). From 256 clusters to
    4,096 each is drawn a Poisson number of times instead (Hanley and MacGibbon 2006).

    Args:
        tables: shape (clusters, …), usually (clusters, K, K).

    Returns:
        Shape (resamples, …).
    """
    clusters = len(tables)
    if clusters == 0:
        return np.zeros((resamples, *tables.shape[1:]))
    flat = tables.reshape(clusters, -1)
    if clusters < _POISSON_FROM:
        drawn = resample_counts(clusters, seed=seed, resamples=resamples) @ flat
    elif clusters <= _POISSON_TO:
        drawn = _poisson_sums(flat, seed=seed, resamples=resamples)
    else:
        drawn = _multinomial_sums(flat, seed=seed, resamples=resamples)
    return drawn.reshape(resamples, *tables.shape[1:])


def resampled_apart(
    parts: Sequence[Floats], *, seed: int = 0, resamples: int = RESAMPLES
) -> list[Floats]:
    """As `resampled_tables`, of several sets of clusters that are drawn independently.

    Sets that fit into one drawing of Poisson counts take columns of it that are their own.

    Args:
        parts: each of shape (its clusters, …).

    Returns:
        One array of shape (resamples, …) for each set.
    """
    found, first = [], 0
    for place, tables in enumerate(parts):
        if len(tables) >= _POISSON_FROM and first + len(tables) <= _POISSON_TO:
            flat = tables.reshape(len(tables), -1)
            drawn = _poisson_sums(flat, seed=seed, resamples=resamples, first=first)
            found.append(drawn.reshape(resamples, *tables.shape[1:]))
            first += len(tables)
        else:
            # Other seeds than that of the drawing above.
            apart = seed + 1 + place
            found.append(resampled_tables(tables, seed=apart, resamples=resamples))
    return found


def _multinomial_sums(flat: Floats, *, seed: int, resamples: int) -> Floats:
    """Sums of rows drawn with replacement.

    Where few differ, equal rows are drawn together: the same chances, far fewer draws.
    """
    clusters = len(flat)
    generator = np.random.default_rng(seed)
    kinds, frequency = _kinds(flat)
    if len(kinds) * _KINDS_COST < clusters:
        times = generator.multinomial(clusters, frequency / clusters, size=resamples)
        return np.asarray(times.astype(float) @ flat[kinds])
    chunks = (min(_CHUNK, resamples - start) for start in range(0, resamples, _CHUNK))
    return np.concatenate([_counts(generator, clusters, size) @ flat for size in chunks])


@functools.lru_cache(maxsize=3)
def resample_counts(clusters: int, *, seed: int, resamples: int = RESAMPLES) -> Floats:
    """How often each of a few clusters is drawn, shape (resamples, clusters); read-only.

    The same clusters and seed give the same draws, so figures over the same questions are
    resampled jointly and may be compared draw by draw.
    """
    found = _counts(np.random.default_rng(seed), clusters, resamples)
    found.setflags(write=False)
    return found


def _poisson_sums(flat: Floats, *, seed: int, resamples: int, first: int = 0) -> Floats:
    """Sums of rows that are each drawn a Poisson number of times (Hanley and MacGibbon 2006).

    What another choice of questions needs is drawn already. Whole numbers this small are exact in
    half the width, which is twice as fast.
    """
    every = _single_counts(seed, resamples) if seed == 0 else _poisson_counts(seed, resamples)
    counts = every[:, first : first + len(flat)]
    if flat.max(initial=0.0) < _EXACT and np.array_equal(flat, np.rint(flat)):
        drawn = counts.astype(np.float32, copy=False) @ flat.astype(np.float32)
        return drawn.astype(float)
    return counts.astype(float) @ flat


@functools.lru_cache(maxsize=1)
def _single_counts(seed: int, resamples: int) -> npt.NDArray[np.float32]:
    return _poisson_counts(seed, resamples).astype(np.float32)


@functools.lru_cache(maxsize=16)
def _poisson_counts(seed: int, resamples: int) -> npt.NDArray[np.uint8]:
    """Poisson counts of mean 1 by their quantiles, of 16 random bits each."""
    steps = (np.arange(1 << 16) + 0.5) / (1 << 16)
    cumulated = np.cumsum([math.exp(-1.0) / math.factorial(k) for k in range(10)])
    quantiles = np.searchsorted(cumulated, steps).astype(np.uint8)
    generator = np.random.default_rng(seed)
    found: npt.NDArray[np.uint8] = quantiles[
        generator.integers(0, 1 << 16, (resamples, _POISSON_TO), dtype=np.uint16)
    ]
    return found


def interval_of(draws: Floats, *, clusters: int) -> tuple[float | None, float | None]:
    """2.5% and 97.5% points of the draws that are defined (the percentile interval).

    None with fewer than two clusters, or where more than half of the draws are NaN.

    Args:
        draws: shape (resamples,).
    """
    defined = draws[~np.isnan(draws)]
    if clusters < 2 or 2 * len(defined) < len(draws):
        return None, None
    low, high = np.quantile(defined, (0.025, 0.975))
    return float(low), float(high)


def _counts(generator: np.random.Generator, clusters: int, resamples: int) -> Floats:
    """Counts of shape (resamples, clusters), drawn some rows at a time to stay in the cache."""
    counts = np.empty((resamples, clusters))
    rows = max(1, _AT_ONCE // clusters)
    for start in range(0, resamples, rows):
        some = min(rows, resamples - start)
        drawn = generator.integers(0, clusters, (some, clusters))
        drawn += np.arange(some)[:, None] * clusters
        found = np.bincount(drawn.ravel(), minlength=some * clusters)
        counts[start : start + some] = found.reshape(some, clusters)
    return counts


def _kinds(flat: Floats) -> tuple[Indices, Indices]:
    """Rows that stand for all that equal them, and how often each occurs.

    Rows are told apart by one random projection, which maps different rows to different numbers.
    """
    projection = np.random.default_rng(0).random(flat.shape[1])
    _, rows, frequency = np.unique(flat @ projection, return_index=True, return_counts=True)
    return rows, frequency

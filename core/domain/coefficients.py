"""Coefficients of agreement of two raters on K ordered categories, from their K×K table.

Every function takes tables of counts (or weights) of shape (..., K, K), rows for the first
rater, columns for the second, and returns an array of shape (...,). Undefined is NaN here; it
becomes a reason in `core.domain.agreement`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from core.domain.estimation import Floats, Z, quotient

Coefficient = Callable[[Floats], Floats]


def percent_agreement(tables: Floats) -> Floats:
    """Share of pairs on the diagonal, 0 to 1."""
    return quotient(_weighted_sum(tables, np.eye(tables.shape[-1])), _total(tables))


def cohen_kappa(tables: Floats) -> Floats:
    """Cohen's κ, (pa − pe)/(1 − pe) with pe = Σ p_k+·p_+k (Cohen 1960).

    Undefined where both raters use one same category only.
    """
    categories = tables.shape[-1]
    return _weighted_kappa(tables, 1.0 - np.eye(categories))


def linear_kappa(tables: Floats) -> Floats:
    """Weighted κ, 1 − Σ w·observed / Σ w·expected with weights w = |i−j| (Cohen 1968)."""
    return _weighted_kappa(tables, _distance(tables.shape[-1]))


def quadratic_kappa(tables: Floats) -> Floats:
    """Weighted κ as `linear_kappa`, with weights w = (i−j)² (Cohen 1968)."""
    return _weighted_kappa(tables, _distance(tables.shape[-1]) ** 2)


def gwet_ac1(tables: Floats) -> Floats:
    """Gwet's AC1, (pa − pe)/(1 − pe) with pe = Σ π_k(1 − π_k)/(K − 1) (Gwet 2008).

    π_k is the mean of both raters' shares of category k; K counts categories, used or not.
    """
    n = _total(tables)
    categories = tables.shape[-1]
    rows, columns = _margins(tables)
    mean_share = quotient(rows + columns, 2.0 * n[..., None])
    chance = (mean_share * (1.0 - mean_share)).sum(-1) / (categories - 1)
    return quotient(percent_agreement(tables) - chance, 1.0 - chance)


def pabak(tables: Floats) -> Floats:
    """Prevalence- and bias-adjusted κ: chance agreement set to 1/K (Byrt 1993)."""
    chance = 1.0 / tables.shape[-1]
    return quotient(percent_agreement(tables) - chance, 1.0 - chance)


COEFFICIENTS: dict[str, Coefficient] = {
    "cohen_kappa": cohen_kappa,
    "linear_kappa": linear_kappa,
    "quadratic_kappa": quadratic_kappa,
    "gwet_ac1": gwet_ac1,
    "pabak": pabak,
}


def spearman(tables: Floats) -> Floats:
    """Spearman's ρ with mid-ranks for ties (Spearman 1904): Pearson's r of the ranks."""
    rows, columns = _margins(tables)
    return _correlation(tables, _centred_ranks(rows), _centred_ranks(columns))


def intraclass(tables: Floats) -> Floats:
    """ICC(A,1), absolute agreement of single scores, k = 2 raters (McGraw and Wong 1996).

    (MSR − MSE) / (MSR + (k−1)·MSE + k·(MSC − MSE)/n), mean squares of responses, raters, error.
    """
    n = _total(tables)
    first, second, both = _moments(tables)
    mean = (first.mean + second.mean) / 2.0
    # Sums of squares about the grand mean, from the moments of the two margins.
    raters = n * ((first.mean - mean) ** 2 + (second.mean - mean) ** 2)
    total = n * (first.variance + second.variance) + raters
    responses = n * (first.variance + second.variance + 2.0 * both) / 2.0
    error = total - responses - raters
    freedom = n - 1.0
    msr, mse, msc = quotient(responses, freedom), quotient(error, freedom), raters
    return quotient(msr - mse, msr + mse + 2.0 * quotient(msc - mse, n))


def mean_difference(tables: Floats) -> Floats:
    """Mean of second minus first, in steps of the scale (Bland and Altman 1986)."""
    first, second, _ = _moments(tables)
    return second.mean - first.mean


def lower_limit(tables: Floats) -> Floats:
    """Lower limit of agreement d̄ − 1.96·s_d (Bland and Altman 1986); undefined below 2 pairs."""
    return mean_difference(tables) - Z * _difference_spread(tables)


def upper_limit(tables: Floats) -> Floats:
    """Upper limit of agreement d̄ + 1.96·s_d (Bland and Altman 1986); undefined below 2 pairs."""
    return mean_difference(tables) + Z * _difference_spread(tables)


#: Of scores as numbers; those of `COEFFICIENTS` take them as ordered categories.
SCORE_COEFFICIENTS: dict[str, Coefficient] = {
    "spearman": spearman,
    "icc_a1": intraclass,
    "bias": mean_difference,
    "lower_limit": lower_limit,
    "upper_limit": upper_limit,
}


class _Margin(NamedTuple):
    mean: Floats
    variance: Floats


def _moments(tables: Floats) -> tuple[_Margin, _Margin, Floats]:
    """Mean and variance (÷ n) of each rater's category index, and their covariance."""
    n = _total(tables)
    steps = np.arange(tables.shape[-1], dtype=np.float64)
    rows, columns = _margins(tables)
    first, second = quotient(rows @ steps, n), quotient(columns @ steps, n)
    return (
        _Margin(first, quotient(rows @ steps**2, n) - first**2),
        _Margin(second, quotient(columns @ steps**2, n) - second**2),
        quotient(_weighted_sum(tables, np.multiply.outer(steps, steps)), n) - first * second,
    )


def _difference_spread(tables: Floats) -> Floats:
    """Standard deviation (÷ n−1) of second minus first."""
    n = _total(tables)
    first, second, both = _moments(tables)
    variance = np.maximum(first.variance + second.variance - 2.0 * both, 0.0)
    spread: Floats = np.sqrt(quotient(n * variance, np.where(n > 1.0, n - 1.0, 0.0)))
    return spread


def _centred_ranks(margins: Floats) -> Floats:
    """Mid-rank of each category, less the mean rank; shape (..., K)."""
    before = margins.cumsum(-1) - margins
    total = margins.sum(-1, keepdims=True)
    ranks: Floats = before + margins / 2.0 - total / 2.0
    return ranks


def _correlation(tables: Floats, rows: Floats, columns: Floats) -> Floats:
    """Pearson's r of values that are given per category and centred."""
    together = (tables * rows[..., :, None] * columns[..., None, :]).sum((-2, -1))
    row_counts, column_counts = _margins(tables)
    of_rows = (row_counts * rows**2).sum(-1)
    of_columns = (column_counts * columns**2).sum(-1)
    return quotient(together, np.sqrt(of_rows * of_columns))


def _weighted_kappa(tables: Floats, weights: Floats) -> Floats:
    rows, columns = _margins(tables)
    by_chance = quotient(((rows @ weights) * columns).sum(-1), _total(tables))
    return 1.0 - quotient(_weighted_sum(tables, weights), by_chance)


def _weighted_sum(tables: Floats, weights: Floats) -> Floats:
    """Sum of the cells times their weights: one product over all tables, not a sum a table."""
    flat = tables.reshape(*tables.shape[:-2], weights.size)
    found: Floats = np.asarray(flat @ weights.reshape(-1))
    return found


def _total(tables: Floats) -> Floats:
    return _weighted_sum(tables, np.ones(tables.shape[-2:]))


def _margins(tables: Floats) -> tuple[Floats, Floats]:
    """Sums of the rows and of the columns, shape (..., K) each."""
    ones = np.ones(tables.shape[-1])
    return tables @ ones, np.swapaxes(tables, -1, -2) @ ones


def _distance(categories: int) -> Floats:
    steps = np.arange(categories, dtype=np.float64)
    return np.abs(steps[:, None] - steps[None, :])

"""What models that answered a whole exam tell of one that answered a part of it.

The more able a model, the more it answers right in every stratum of difficulty: by Rasch (1960),
logit p_h = θ + α_h, and its number of right answers tells θ. That predicts the full score with less
chance than the stratified mean has, and with an error of its own, as no model is quite like that.
The two are combined by the errors that known models had, after gp-IRT (Polo et al. 2024,
tinyBenchmarks, arXiv 2402.14992).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.estimation import Floats

#: Fewer models don't tell how far a prediction of theirs is off.
FEWEST = 8
#: No share is taken to be nearer to 0 or 1 than this.
_EDGE = 0.01
#: Bounds of difficulty's bins, as in `core.domain.closed.level_of_share`.
_BOUNDS = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True, slots=True)
class Known:
    """How models did whose answers to (nearly) all of an exam are known.

    Attributes:
        strata: names, in the order of the columns.
        shares: shape (models, strata), the share of each stratum that each answered right.
    """

    strata: tuple[str, ...]
    shares: Floats


def known_models(scores: Floats, given: Sequence[str], strata: Sequence[str]) -> Known | None:
    """How models that answered (nearly) all of an exam do in its strata.

    A bin that was estimated from a model's own answers would flatter the prediction: for each model
    difficulty is estimated from the others.

    Args:
        scores: shape (models, questions), 0 to 1; NaN where there is none.
        given: level of each question; '' where it is estimated from the answers.
        strata: names of the strata, an estimated one with `~` behind it.

    Returns:
        None where fewer than `FEWEST` models scored nine tenths of the questions.
    """
    is_scored = ~np.isnan(scores)
    whole = is_scored.mean(axis=1) >= 0.9 if scores.size else np.zeros(0, dtype=bool)
    if whole.sum() < FEWEST:
        return None
    right, n = np.nan_to_num(scores).sum(axis=0), is_scored.sum(axis=0)
    names = list(strata)
    of_file = np.array([names.index(one) if one else -1 for one in given])
    binned = np.array([names.index(f"{level}~") if f"{level}~" in names else -1
                       for level in (5, 4, 3, 2, 1)])  # fmt: skip
    shares = []
    for one, has in zip(scores[whole], is_scored[whole], strict=True):
        others = n - has
        share = (right - np.where(has, one, 0.0)) / np.maximum(others, 1)
        estimated = binned[np.where(others > 0, np.digitize(share, _BOUNDS), 2)]
        stratum = np.where(of_file >= 0, of_file, estimated)
        counts = has & (stratum >= 0)
        total = np.bincount(stratum[counts], weights=one[counts], minlength=len(names))
        size = np.bincount(stratum[counts], minlength=len(names))
        shares.append(np.where(size > 0, total / np.maximum(size, 1), one[has].mean()))
    return Known(tuple(names), np.array(shares))


@dataclass(frozen=True, slots=True)
class Plan:
    """How a stratified mean D and a prediction M are combined: λ·M + (1 − λ)·D.

    Attributes:
        ease: α_h of every stratum.
        misfit: mean square of M − D for known models, all of whose answers are known.
        weight: λ.
        variance: of the combination, for the average known model.
    """

    ease: Floats
    misfit: float
    weight: float
    variance: float


def plan(known: Known, sizes: Floats, counts: Floats) -> Plan:
    """The combination of least variance when so many exercises of each stratum are asked.

    Var D = Σ W_h²·s_h²/n_h; M moves by c = Σ W_h·q_h / Σ n_h·q_h with each right answer, so that
    Var M = c²·Σ n_h·s_h² + misfit and Cov(D, M) = c·Σ W_h·s_h²; q_h = p_h(1−p_h), s_h² = q_h·(1 −
    n_h/N_h); λ = (Var D − Cov) / (Var D + Var M − 2 Cov), cut to 0–1 (Bates and Granger 1969).

    Args:
        sizes, counts: N_h and n_h ≥ 1, shape (strata,).
    """
    weights = sizes / sizes.sum()
    mean = np.clip(known.shares.mean(axis=0), _EDGE, 1 - _EDGE)
    ease = np.log(mean / (1 - mean))
    predicted = _predicted(known.shares @ counts, counts, ease)
    off = predicted @ weights - known.shares @ weights
    misfit = float(off @ off) / (len(off) - 1)
    of_mean, of_predicted, both = _moments(
        (known.shares * (1 - known.shares)).mean(axis=0), weights, sizes, counts
    )
    spread = float(of_mean + of_predicted + misfit - 2 * both)
    weight = float(np.clip((of_mean - both) / spread, 0.0, 1.0)) if spread > 0 else 0.0
    variance = float(_variance(weight, of_mean, of_predicted + misfit, both))
    return Plan(ease, misfit, weight, variance)


def combined(
    known: Known, sizes: Floats, counts: Floats, means: Floats
) -> tuple[Floats, Floats]:  # fmt: skip
    """Models' full scores and their variances, from their mean scores in every stratum.

    The weight λ is the known models', the same for all; the variance is at a model's own p_h.

    Args:
        sizes, counts: N_h and n_h ≥ 1, shape (strata,).
        means: x̄_h, shape (models, strata).

    Returns:
        Shape (models,) each.
    """
    planned = plan(known, sizes, counts)
    weights = sizes / sizes.sum()
    shares = _predicted(means @ counts, counts, planned.ease)
    of_mean, of_predicted, both = _moments(shares * (1 - shares), weights, sizes, counts)
    value = planned.weight * (shares @ weights) + (1 - planned.weight) * (means @ weights)
    return value, _variance(planned.weight, of_mean, of_predicted + planned.misfit, both)


def _moments(
    spread: Floats, weights: Floats, sizes: Floats, counts: Floats
) -> tuple[Floats, Floats, Floats]:
    """Var D, Var M without its misfit, and their covariance for spreads (…, strata); see `plan`."""
    moved = (spread @ weights) / (spread @ counts)
    left = spread * (1 - counts / sizes)
    return left @ (weights**2 / counts), moved**2 * (left @ counts), moved * (left @ weights)


def _variance(weight: float, of_mean: Floats, of_predicted: Floats, both: Floats) -> Floats:
    rest = 1 - weight
    return weight**2 * of_predicted + rest**2 * of_mean + 2 * weight * rest * both


def _predicted(right: Floats, counts: Floats, ease: Floats) -> Floats:
    """p_h of models with so many right answers, shape (models, strata): Σ n_h·p_h equals it.

    None right, or all, count as half an answer more, or fewer; θ is found by halving.
    """
    wanted = np.clip(right, 0.5, counts.sum() - 0.5)
    low, high = np.full(len(wanted), -20.0), np.full(len(wanted), 20.0)
    for _ in range(50):
        middle = (low + high) / 2
        is_less = _logistic(middle[:, None] + ease) @ counts < wanted
        low, high = np.where(is_less, middle, low), np.where(is_less, high, middle)
    return _logistic(low[:, None] + ease)


def _logistic(x: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-x))
    return found

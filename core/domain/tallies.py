"""How many exercises of a cell were answered right, as sums that give a share and its interval."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.estimation import Estimate, Floats, Indices, undefined, wilson_interval

#: What exercises are cut by.
FACETS = ("stage", "department", "question_type", "level")
#: The cuts that are kept: nothing, each facet, each pair, all of them.
CUTS: tuple[tuple[str, ...], ...] = (
    *(cut for n in (0, 1, 2) for cut in itertools.combinations(FACETS, n)),
    FACETS,
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over the responses of a cell.

    Attributes:
        n: responses that count.
        unscored: responses with a text and without a score.
        absent: responses without a text.
        total: sum of their scores, 0 to 1 each.
        clusters: stems, and exercises without one; they are the units of chance.
        squares, crossed, sizes: sums over clusters of total², total·n and n².
    """

    n: int
    unscored: int
    absent: int
    total: float
    clusters: int
    squares: float
    crossed: float
    sizes: float

    @property
    def share(self) -> Estimate:
        """The mean score with a Wilson interval on the effective sample size.

        se² is the between-cluster variance of the ratio estimator, as in
        `core.domain.estimation.ratio_and_variance`: Σ_c (t_c − p·n_c)² = Σt² − 2pΣtn + p²Σn².
        """
        if self.n == 0:
            return undefined(0, "no_pairs")
        share = self.total / self.n
        low, high = wilson_interval(share, self.effective_n)
        return Estimate(share, self.n, low, high, None, "wilson")

    @property
    def variance(self) -> float:
        """The variance of the mean between clusters; 0 with fewer than two."""
        if self.clusters < 2:
            return 0.0
        share = self.total / self.n
        residuals = self.squares - 2 * share * self.crossed + share**2 * self.sizes
        return max(0.0, self.clusters / (self.clusters - 1) * residuals / self.n**2)

    @property
    def effective_n(self) -> float:
        """How many independent responses would tell as much; at most n."""
        share, variance = self.total / self.n, self.variance
        if share in (0.0, 1.0) or self.clusters < 2:
            return float(self.clusters)
        return float(self.n) if variance == 0.0 else min(self.n, share * (1 - share) / variance)


@dataclass(frozen=True, slots=True)
class Answers:
    """Responses to closed questions as columns, shape (n,), with strata of the questions, (q,).

    Attributes:
        model: (n,) codes of models.
        question: (n,) places of questions in the columns below.
        score: (n,) 0 to 1; NaN where there is none.
        is_absent: (n,) the response has no text.
        models: what the models' codes stand for.
        cluster: (q,) the stem, or the exercise.
        facets: (q,) codes of each facet's values, by name.
        values: what these codes stand for, by name.
    """

    model: Indices
    question: Indices
    score: Floats
    is_absent: npt.NDArray[np.bool_]
    models: Sequence[int]
    cluster: Indices
    facets: Mapping[str, Indices]
    values: Mapping[str, Sequence[str]]


def tallies(
    answers: Answers, cut: Sequence[str], *, unscored_as_wrong: bool
) -> Iterator[tuple[tuple[str, ...], int, Tally]]:
    """Cell (its value of each facet of the cut), model and sums of every cell with responses.

    Questions are grouped first, and there are far fewer of them: a piece is what a cluster has in
    a cell. Sums of responses go to (model, piece), those of pieces to (model, cell).

    Args:
        unscored_as_wrong: what has a text and no score counts as 0; else it is left out.
    """
    cell, keys = _cells(answers, cut)
    pieces, piece = np.unique(cell * (answers.cluster.max() + 1) + answers.cluster,
                              return_inverse=True)  # fmt: skip
    owner = pieces // (answers.cluster.max() + 1)
    shape = len(answers.models), len(pieces)
    at = answers.model * len(pieces) + piece[answers.question]
    is_unscored = np.isnan(answers.score) & ~answers.is_absent
    counts = ~np.isnan(answers.score) | (is_unscored & unscored_as_wrong)
    n, total, unscored, absent = (
        np.bincount(at, weights=weights, minlength=shape[0] * shape[1]).reshape(shape)
        for weights in (counts, np.nan_to_num(answers.score), is_unscored, answers.is_absent)
    )
    columns = (n, unscored, absent, total, n > 0, total**2, total * n, n**2)
    for at_model, model in enumerate(answers.models):
        sums = np.stack(
            [np.bincount(owner, weights=one[at_model], minlength=len(keys)) for one in columns]
        )
        for key, one in zip(keys, sums.T.tolist(), strict=True):
            if any(one[:3]):
                yield key, model, _tally(*one)


def _tally(
    n: float, unscored: float, absent: float, total: float, clusters: float, squares: float,
    crossed: float, sizes: float,
) -> Tally:  # fmt: skip
    return Tally(int(n), int(unscored), int(absent), total, int(clusters), squares, crossed, sizes)


def _cells(answers: Answers, cut: Sequence[str]) -> tuple[Indices, list[tuple[str, ...]]]:
    """The cell of every question, and the values that cells stand for."""
    code = np.zeros(len(answers.cluster), dtype=np.intp)
    for name in cut:
        code = code * len(answers.values[name]) + answers.facets[name]
    _, first, cell = np.unique(code, return_index=True, return_inverse=True)
    keys = [tuple(answers.values[name][answers.facets[name][at]] for name in cut) for at in first]
    return cell, keys

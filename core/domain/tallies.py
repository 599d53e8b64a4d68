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
    """Responses to closed questions as columns, shape (n,) each.

    Attributes:
        score: 0 to 1; NaN where there is none.
        is_absent: the response has no text.
        cluster: the stem, or the exercise.
        facets: codes of each facet's values, by name.
        values: what the codes stand for, by name.
    """

    model: Indices
    score: Floats
    is_absent: npt.NDArray[np.bool_]
    cluster: Indices
    facets: Mapping[str, Indices]
    values: Mapping[str, Sequence[str]]


def tallies(
    answers: Answers, cut: Sequence[str], *, unscored_as_wrong: bool
) -> Iterator[tuple[tuple[str, ...], int, Tally]]:
    """Cell (its value of each facet of the cut), model and sums of every cell with responses.

    Args:
        unscored_as_wrong: what has a text and no score counts as 0; else it is left out.
    """
    code, sizes = answers.model.astype(np.int64), []
    for name in cut:
        sizes.append(len(answers.values[name]))
        code = code * sizes[-1] + answers.facets[name]
    codes, cell = np.unique(code, return_inverse=True)
    keys = [_parts(int(one), sizes) for one in codes]
    is_unscored = np.isnan(answers.score) & ~answers.is_absent
    counts = ~np.isnan(answers.score) | (is_unscored & unscored_as_wrong)
    score = np.nan_to_num(answers.score)
    sums = _by_cluster(cell[counts], answers.cluster[counts], score[counts], len(keys))
    unscored = np.bincount(cell[is_unscored], minlength=len(keys))
    absent = np.bincount(cell[answers.is_absent], minlength=len(keys))
    for at, key in enumerate(keys):
        named = tuple(answers.values[name][code] for name, code in zip(cut, key[1:], strict=True))
        n, total, clusters, squares, crossed, sizes_squared = sums[at]
        yield (
            named,
            key[0],
            Tally(
                int(n), int(unscored[at]), int(absent[at]), float(total), int(clusters),
                float(squares), float(crossed), float(sizes_squared),
            ),
        )  # fmt: skip


def _parts(code: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """The model's id and the facets' codes that were packed into one number."""
    parts: list[int] = []
    for size in reversed(sizes):
        code, part = divmod(code, size)
        parts.insert(0, part)
    return (code, *parts)


def _by_cluster(cell: Indices, cluster: Indices, score: Floats, cells: int) -> Floats:
    """n, total, clusters, Σt², Σtn and Σn² of every cell, shape (cells, 6)."""
    pairs, index = np.unique(
        cell * (int(cluster.max(initial=0)) + 1) + cluster, return_inverse=True
    )
    owner = pairs // (int(cluster.max(initial=0)) + 1)
    n = np.bincount(index, minlength=len(pairs)).astype(float)
    total = np.bincount(index, weights=score, minlength=len(pairs))
    columns = (n, total, np.ones(len(pairs)), total**2, total * n, n**2)
    return np.stack(
        [np.bincount(owner, weights=column, minlength=cells) for column in columns], axis=1
    )

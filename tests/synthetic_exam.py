"""An exam whose exercises have known difficulties: what a subset of it tells about the whole."""

from dataclasses import dataclass, field

import numpy as np

from core.domain.closed import level_of_share
from core.domain.rapid import full_score, picked, spread_of


@dataclass
class KnownExam:
    """Models answer by skill and difficulty (Rasch 1960): P(right) = 1/(1 + e^(difficulty−skill)).

    Difficulty is estimated from `known` models of before; the others are assessed.
    """

    exercises: int
    models: int
    seed: int
    known: int = 13
    levels: list[str] = field(init=False)
    answers: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        chance = np.random.default_rng(self.seed)
        difficulty = chance.normal(0.0, 2.5, self.exercises)
        skill = np.concatenate(
            [chance.normal(0.4, 0.7, self.known), np.linspace(-0.4, 1.2, self.models)]
        )
        right = 1 / (1 + np.exp(difficulty[None, :] - skill[:, None]))
        self.answers = (chance.random(right.shape) < right).astype(float)
        shares = self.answers[: self.known].mean(axis=0)
        self.levels = [str(level_of_share(share)) for share in shares]

    @property
    def assessed(self) -> np.ndarray:
        """Scores of the models that are assessed, shape (models, exercises)."""
        return self.answers[self.known :]


@dataclass(frozen=True)
class Errors:
    """How far subsets are from the whole, on average.

    Attributes:
        score: mean distance to the full score.
        ranking: mean share of pairs of models in another order, a tie counting half.
        coverage: share of intervals that hold the full score.
    """

    score: float
    ranking: float
    coverage: float


def errors_of(exam: KnownExam, *, size: int, draws: int) -> tuple[Errors, Errors]:
    """Errors of stratified subsets, and of random ones of the same size."""
    strata = dict(enumerate(exam.levels))
    sizes = {level: exam.levels.count(level) for level in set(exam.levels)}
    shares = exam.answers[: exam.known].mean(axis=0)
    spreads = {
        level: spread_of(level, float(shares[[one == level for one in exam.levels]].mean()))
        for level in sizes
    }
    full = exam.assessed.mean(axis=1)
    kept: dict[str, list[tuple[float, float, float]]] = {"stratified": [], "random": []}
    for seed in range(draws):
        chosen = picked(strata, spreads, size, seed=seed)
        estimates = [
            full_score(
                sizes,
                {
                    level: [scores[one.unit] for one in chosen if one.stratum == level]
                    for level in sizes
                },
            )
            for scores in exam.assessed
        ]
        holds = [one.low <= whole <= one.high for one, whole in zip(estimates, full, strict=True)]
        values = np.array([one.value for one in estimates])
        kept["stratified"].append(_errors(values, full, float(np.mean(holds))))
        units = np.random.default_rng(seed).choice(exam.exercises, size, replace=False)
        kept["random"].append(_errors(exam.assessed[:, units].mean(axis=1), full, 0.0))
    return tuple(Errors(*np.mean(kept[name], axis=0)) for name in ("stratified", "random"))


def _errors(values: np.ndarray, full: np.ndarray, coverage: float) -> tuple[float, float, float]:
    first, second = np.triu_indices(len(full), 1)
    agree = np.sign(values[first] - values[second]) * np.sign(full[first] - full[second])
    return float(np.abs(values - full).mean()), float((1 - agree.mean()) / 2), coverage

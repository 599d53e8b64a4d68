"""An exam whose exercises have known difficulties: what a subset of it tells about the whole."""

from dataclasses import dataclass, field

import numpy as np

from core.domain.closed import level_of_share
from core.domain.estimation import Z
from core.domain.known_models import combined, known_models
from core.domain.rapid import allotted, picked


@dataclass
class KnownExam:
    """Models answer by skill and difficulty: P(right) = c + (1−c)/(1 + e^(a·(difficulty−skill))).

    By itself this is Rasch's model (1960): a = 1, c = 0. Difficulty is estimated from `known`
    models of before; the others are assessed.

    Attributes:
        spread: standard deviation of the difficulties.
        slopes: standard deviation of log a between exercises (Birnbaum 1968).
        guessing: c, what a model without any skill gets right.
        leaning: standard deviation of a model's skill between ten departments.
    """

    exercises: int
    models: int
    seed: int
    known: int = 13
    spread: float = 2.5
    slopes: float = 0.0
    guessing: float = 0.0
    leaning: float = 0.0
    levels: list[str] = field(init=False)
    answers: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        chance = np.random.default_rng(self.seed)
        difficulty = chance.normal(0.0, self.spread, self.exercises)
        skill = np.concatenate(
            [chance.normal(0.4, 0.7, self.known), np.linspace(-0.4, 1.2, self.models)]
        )
        slope = np.exp(chance.normal(0.0, self.slopes, self.exercises))
        department = chance.integers(0, 10, self.exercises)
        leaning = chance.normal(0.0, self.leaning, (len(skill), 10))[:, department]
        exponent = slope * (difficulty - skill[:, None] - leaning)
        right = self.guessing + (1 - self.guessing) / (1 + np.exp(exponent))
        self.answers = (chance.random(right.shape) < right).astype(float)
        shares = self.answers[: self.known].mean(axis=0)
        self.levels = [f"{level_of_share(share)}~" for share in shares]

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
    sizes = {level: exam.levels.count(level) for level in sorted(set(exam.levels))}
    known = known_models(exam.answers[: exam.known], [""] * exam.exercises, list(sizes))
    numbers = allotted(sizes, known, size)
    full = exam.assessed.mean(axis=1)
    counts, whole = (np.array([one[name] for name in known.strata]) for one in (numbers, sizes))
    kept: dict[str, list[tuple[float, float, float]]] = {"stratified": [], "random": []}
    for seed in range(draws):
        drawn = picked(strata, numbers, seed=seed)
        units = [[one.unit for one in drawn if one.stratum == name] for name in known.strata]
        means = np.stack([exam.assessed[:, some].mean(axis=1) for some in units], axis=1)
        values, variances = combined(known, whole, counts, means)
        holds = np.abs(values - full) <= Z * np.sqrt(variances)
        kept["stratified"].append(_errors(values, full, float(holds.mean())))
        some = np.random.default_rng(seed).choice(exam.exercises, size, replace=False)
        kept["random"].append(_errors(exam.assessed[:, some].mean(axis=1), full, 0.0))
    return tuple(Errors(*np.mean(kept[name], axis=0)) for name in ("stratified", "random"))


def _errors(values: np.ndarray, full: np.ndarray, coverage: float) -> tuple[float, float, float]:
    first, second = np.triu_indices(len(full), 1)
    agree = np.sign(values[first] - values[second]) * np.sign(full[first] - full[second])
    return float(np.abs(values - full).mean()), float((1 - agree.mean()) / 2), coverage

"""How long the figures take."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import cohen_kappa_score

from core.domain.agreement import agreement_of
from core.services import ranking
from core.services.agreeing_physicians import among_physicians
from core.services.arraying import chosen_columns, columns_of
from core.services.choosing import Choice
from core.services.comparing import comparison_of
from core.services.empanelling import panel_of_study
from core.services.rating import Order
from core.services.renewing import renewed_cases
from core.services.tallying import verdicts_of
from core.store.database import Store, opened
from core.store.studies import Study, study_named
from tests.bench.large_study import Size, ensure_large_study, one_more_score

_RESAMPLES = 2_000
_MODELS, _SAMPLES, _ROUNDS = 13, 3, 3


def figures(work: Path) -> str:
    """A section of the document."""
    return "\n".join([_resampling(), _growth(work)])


def _seconds(act: Callable[[], Any], *, times: int = 1) -> float:
    started = time.perf_counter()
    for _ in range(times):
        act()
    return (time.perf_counter() - started) / times


def _resampling() -> str:
    generator = np.random.default_rng(0)
    n = 100_000
    first = generator.integers(0, 5, n)
    second = np.where(generator.random(n) < 0.6, first, generator.integers(0, 5, n))
    some = 5
    loop = _seconds(lambda: [_looped(first, second, seed) for seed in range(some)]) / some
    loop *= _RESAMPLES
    apart = _seconds(
        lambda: agreement_of(first, second, np.arange(n), categories=5, are_scores=True)
    )
    clustered = _seconds(
        lambda: agreement_of(first, second, np.arange(n) // 5, categories=5, are_scores=True)
    )
    return f"""## Agreement of 100,000 pairs, 2,000 resamples

Ours holds ten coefficients, scikit-learn three κ (from {some} resamples).

| | seconds | times faster |
|---|---:|---:|
| looping scikit-learn, independent pairs | {loop:.0f} | 1 |
| ours, independent pairs | {apart:.3f} | {loop / apart:.0f} |
| ours, 20,000 questions of five pairs | {clustered:.2f} | {loop / clustered:.0f} |
"""


def _looped(first: np.ndarray, second: np.ndarray, seed: int) -> list[float]:
    drawn = np.random.default_rng(seed).integers(0, len(first), len(first))
    return [
        cohen_kappa_score(first[drawn], second[drawn], labels=range(5), weights=weights)
        for weights in (None, "linear", "quadratic")
    ]


def _growth(work: Path) -> str:
    lines = []
    for questions, scores in ((9, 100), (85, 1_000), (667, 6_000), (2_996, 20_000)):
        path = work / f"large-{questions}.db"
        ensure_large_study(path, Size(questions, _MODELS, _SAMPLES, _ROUNDS, 6, scores, 1))
        with opened(path) as store:
            study = study_named(store, "large")
            assert study is not None
            found = _study_seconds(store, study)
        verdicts = questions * _MODELS * _SAMPLES * _ROUNDS
        cells = " | ".join(f"{one:.2f}" for one in found)
        lines.append(f"| {verdicts:,} | {scores:,} | {cells} |")
    rows = "\n".join(lines)
    return f"""## Agreement and leaderboard of a whole study

Seconds: to read the cases and the verdicts (once), and the cases again after one more score; to
compute the dashboard's figures anew, of the same choice and of another; to make the leaderboard.

| machine scores | physicians' scores | read cases | read verdicts | one more score | redraw \
| another choice | leaderboard |
|---:|---:|---:|---:|---:|---:|---:|---:|
{rows}
"""


def _study_seconds(store: Store, study: Study) -> list[float]:
    panel = panel_of_study(store, study, None)
    started = time.perf_counter()
    known = renewed_cases(store, study, panel, None)
    cases = known.cases
    whole = columns_of(cases)
    read = time.perf_counter() - started
    one_more_score(store)
    started = time.perf_counter()
    columns_of(renewed_cases(store, study, panel, known).cases)
    renewed = time.perf_counter() - started
    started = time.perf_counter()
    verdicts = verdicts_of(store, study, panel)
    read_verdicts = time.perf_counter() - started

    def redraw(choice: Choice) -> None:
        narrowed = chosen_columns(whole, choice)
        comparison_of(narrowed, panel)
        among_physicians(narrowed)

    redraw(Choice())
    again = _seconds(lambda: redraw(Choice()), times=3)
    others = [Choice(categories=some) for some in (("MK", "MLU"), ("MK", "MR", "MTG"), ("MSE",))]
    other = sum(_seconds(lambda: redraw(one)) for one in others) / len(others)  # noqa: B023
    calibration = ranking.calibrating(store, study, panel, cases)
    board = _seconds(lambda: ranking.board(store, study, Order(), verdicts, *calibration))
    return [read, read_verdicts, renewed, again, other, board]

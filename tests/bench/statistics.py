"""How long the figures take, and how often their intervals hold the truth."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from sklearn.metrics import cohen_kappa_score

from core.domain.agreement import agreement_of
from core.domain.correction import Stratum, prediction_powered
from core.services import ranking
from core.services.agreeing import cases_of_panel
from core.services.agreeing_physicians import among_physicians
from core.services.choosing import Choice, chosen
from core.services.comparing import comparison_of
from core.services.empanelling import panel_of_study
from core.services.rating import Order
from core.store.database import opened
from core.store.studies import study_named
from tests.bench.large_study import Size, ensure_large_study

_RESAMPLES = 2_000
_STUDIES = 1_000
_MODELS, _SAMPLES, _ROUNDS = 13, 3, 3


def figures(work: Path) -> str:
    """A section of the document."""
    return "\n".join([_resampling(), _growth(work), _coverage()])


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
            panel = panel_of_study(store, study, None)
            started = time.perf_counter()
            cases = cases_of_panel(store, study, panel)
            read = time.perf_counter() - started
            some = Choice(categories=("MK", "MLU", "MR", "MSE"))

            def redraw(cases: Any = cases, panel: Any = panel, some: Choice = some) -> None:
                narrowed = chosen(cases, some)
                comparison_of(narrowed, panel)
                among_physicians(narrowed)

            redraw()
            again = _seconds(redraw, times=3)
            board = _seconds(lambda: ranking.board_of(store, study, panel, Order()))  # noqa: B023
        verdicts = questions * _MODELS * _SAMPLES * _ROUNDS
        lines.append(f"| {verdicts:,} | {scores:,} | {read:.2f} | {again:.2f} | {board:.2f} |")
    rows = "\n".join(lines)
    return f"""## Agreement and leaderboard of a whole study

Seconds to read the cases (once, until a study fact is added), to compute the figures of another
choice, and to make the leaderboard.

| machine scores | physicians' scores | read | another choice | leaderboard |
|---:|---:|---:|---:|---:|
{rows}
"""


def _coverage() -> str:
    kappa = [_kappa_covers(seed) for seed in range(_STUDIES)]
    lines = [f"| clustered κ, 80 questions of three | {100 * np.mean(kappa):.1f} | |"]
    for n in (30, 100, 200):
        for rate in (0.2, 0.5, 0.8):
            found = [_ppi(seed, n=n, rate=rate) for seed in range(_STUDIES)]
            held = [one for one in found if one is not None]
            covers = 100 * np.mean([one[0] for one in held])
            lines.append(
                f"| PPI++, {n} scores, rate {rate} | {covers:.1f}"
                f" | {np.mean([one[1] for one in held]):.2f} |"
            )
    rows = "\n".join(lines)
    return f"""## How often a 95% interval holds the truth

{_STUDIES:,} simulated studies each; width as a share of that of physicians alone.

| | % | width |
|---|---:|---:|
{rows}
"""


def _kappa_covers(seed: int) -> bool:
    generator, questions, right = np.random.default_rng(seed), 80, 0.85

    def related(share: float) -> np.ndarray:
        common = generator.normal(size=questions).repeat(3)
        mixed = np.sqrt(0.4) * common + np.sqrt(0.6) * generator.normal(size=3 * questions)
        return np.asarray(mixed < scipy.stats.norm.ppf(share))

    human = related(0.4)
    judge = human == related(right)
    passed = 0.4 * right + 0.6 * (1 - right)
    chance = 0.4 * passed + 0.6 * (1 - passed)
    truth = (right - chance) / (1 - chance)
    clusters = np.arange(questions).repeat(3)
    found = agreement_of(
        human.astype(int), judge.astype(int), clusters, categories=2, only=("cohen_kappa",)
    ).coefficients["cohen_kappa"]
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


def _ppi(seed: int, *, n: int, rate: float) -> tuple[bool, float] | None:
    generator, every = np.random.default_rng(seed), n + 900
    human = generator.random(every) < rate
    judge = np.where(human, generator.random(every) >= 0.1, generator.random(every) < 0.25)
    known, left = np.arange(n), np.arange(n, every)
    found = prediction_powered([Stratum(human[:n], judge[:n], known, judge[n:], left)])
    if found.low is None or found.high is None:
        return None
    alone = 2 * 1.96 * np.sqrt(rate * (1 - rate) / n)
    return found.low <= rate <= found.high, (found.high - found.low) / float(alone)

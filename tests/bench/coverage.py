"""How often intervals hold the truth, and what correction gains, on simulated studies.

The figure of docs/statistics.md is drawn from the same studies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy

from core.domain.agreement import agreement_of
from core.domain.correction import JudgeQuality, Stratum, prediction_powered, rogan_gladen
from core.domain.estimation import Estimate, share_estimate
from core.reports.intervals import Line, interval_svg

_STUDIES = 1_000
_FIGURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "corrected.svg"


def coverage(work: Path) -> str:
    """A section of the document, and the figure that goes with it."""
    lines = [
        _line(f"clustered κ, {questions} questions of three", [
            _kappa(seed, questions) for seed in range(_STUDIES)
        ])
        for questions in (80, 300)
    ]  # fmt: skip
    for n in (30, 100, 200):
        for rate in (0.2, 0.5, 0.8):
            found = [_ppi(seed, n=n, rate=rate) for seed in range(_STUDIES)]
            alone = 2 * 1.96 * np.sqrt(rate * (1 - rate) / n)
            lines.append(_line(f"PPI++, {n} scores, rate {rate}", found, alone=alone))
    for rate in (0.2, 0.5):
        found = [_second(seed, n=200, rate=rate) for seed in range(_STUDIES)]
        lines.append(_line(f"Rogan–Gladen, 200 scores, rate {rate}", found))
    weighted = [_stratified(seed) for seed in range(_STUDIES)]
    lines += [
        _line("agreement, sample drawn by the judge, weighted by 1/π", [w for w, _, _ in weighted]),
        _line("the same, raw", [raw for _, raw, _ in weighted]),
        _line("PPI++ of that sample, weighted", [ppi for _, _, ppi in weighted]),
    ]
    rows = "\n".join(lines)
    return f"""## How often a 95% interval holds the truth

{_STUDIES:,} simulated studies each; bias is the mean of estimate less truth, in points; width as a
share of that of physicians alone.

| | held, % | bias | width |
|---|---:|---:|---:|
{rows}

{_gain()}
"""


@dataclass(frozen=True, slots=True)
class _Found:
    estimate: Estimate
    truth: float


def _line(name: str, found: Sequence[_Found], *, alone: float | None = None) -> str:
    known = [
        (one.estimate.value, one.estimate.low, one.estimate.high, one.truth)
        for one in found
        if one.estimate.low is not None and one.estimate.value is not None
    ]
    value, low, high, truth = np.array(known, dtype=float).T
    held = 100 * np.mean((low <= truth) & (truth <= high))
    width = "" if alone is None else f"{np.mean(high - low) / alone:.2f}"
    return f"| {name} | {held:.1f} | {100 * np.mean(value - truth):+.2f} | {width} |"


def _kappa(seed: int, questions: int) -> _Found:
    generator, right = np.random.default_rng(seed), 0.85

    def related(share: float) -> np.ndarray:
        common = generator.normal(size=questions).repeat(3)
        mixed = np.sqrt(0.4) * common + np.sqrt(0.6) * generator.normal(size=3 * questions)
        return np.asarray(mixed < scipy.stats.norm.ppf(share))

    human = related(0.4)
    judge = human == related(right)
    passed = 0.4 * right + 0.6 * (1 - right)
    chance = 0.4 * passed + 0.6 * (1 - passed)
    clusters = np.arange(questions).repeat(3)
    found = agreement_of(
        human.astype(int), judge.astype(int), clusters, categories=2, only=("cohen_kappa",)
    )
    return _Found(found.coefficients["cohen_kappa"], (right - chance) / (1 - chance))


def _sides(seed: int, every: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Physicians and a judge that misses a tenth and passes a quarter of what they reject."""
    generator = np.random.default_rng(seed)
    human = generator.random(every) < rate
    judge = np.where(human, generator.random(every) >= 0.1, generator.random(every) < 0.25)
    return human, judge


def _ppi(seed: int, *, n: int, rate: float) -> _Found:
    human, judge = _sides(seed, n + 900, rate)
    known, left = np.arange(n), np.arange(n, n + 900)
    return _Found(prediction_powered([Stratum(human[:n], judge[:n], known, judge[n:], left)]), rate)


def _second(seed: int, *, n: int, rate: float) -> _Found:
    human, judge = _sides(seed, n + 900, rate)
    known, seen = human[:n], judge[:n]
    quality = JudgeQuality(
        float((~seen[~known]).mean()), int((~known).sum()),
        float(seen[known].mean()), int(known.sum()),
    )  # fmt: skip
    return _Found(rogan_gladen(float(judge[n:].mean()), 900, quality), rate)


def _stratified(seed: int) -> tuple[_Found, _Found, _Found]:
    """2,000 responses; 100 drawn of what the judge passes and 200 of what it rejects."""
    human, judge = _sides(seed, 2_000, 0.4)
    generator = np.random.default_rng(seed)
    chosen, weights = [], []
    for side, count in ((True, 100), (False, 200)):
        among = np.flatnonzero(judge == side)
        chosen.append(generator.choice(among, count, replace=False))
        weights.append(np.full(count, len(among) / count))
    drawn, w = np.concatenate(chosen), np.concatenate(weights)
    left = np.setdiff1d(np.arange(2_000), drawn)
    hits = human[drawn] == judge[drawn]
    truth = 0.4 * 0.9 + 0.6 * 0.75
    stratum = Stratum(human[drawn], judge[drawn], drawn, judge[left], left, weights=w)
    return (
        _Found(share_estimate(hits, drawn, w), truth),
        _Found(share_estimate(hits, drawn), truth),
        _Found(prediction_powered([stratum]), 0.4),
    )


def _gain() -> str:
    """Judge alone, physicians alone and corrected on the same studies, as text and as figure."""
    rate, lines, rows = 0.4, [], []
    for n in (50, 100, 200, 400):
        ways: dict[str, list[Estimate]] = {"judge": [], "physicians": [], "corrected": []}
        for seed in range(_STUDIES):
            human, judge = _sides(seed, n + 2_000, rate)
            known, every = np.arange(n), np.arange(n + 2_000)
            ways["judge"].append(share_estimate(judge, every))
            ways["physicians"].append(share_estimate(human[:n], known))
            ways["corrected"].append(
                prediction_powered([Stratum(human[:n], judge[:n], known, judge[n:], every[n:])])
            )
        for way, found in ways.items():
            table = np.array([(e.value, e.low, e.high) for e in found if e.low is not None])
            value, low, high = table.astype(float).mean(0)
            off = 100 * np.abs(table[:, 0].astype(float) - rate).mean()
            held = 100 * np.mean((table[:, 1] <= rate) & (rate <= table[:, 2]))
            rows.append(
                f"| {n} | {way} | {100 * value:.1f} | {off:.1f} | {100 * (high - low):.1f}"
                f" | {held:.1f} |"
            )
            lines.append(Line(f"{n} scores · {way}", Estimate(value, n, low, high, None)))
    _FIGURE.write_text(interval_svg(lines, mark=rate) + "\n", encoding="utf-8")
    table_rows = "\n".join(rows)
    return f"""### What correction gains

{_STUDIES:,} studies of 2,000 judged responses and so many scores; {100 * rate:.0f}% are usable.
Mean estimate, mean distance from the truth and mean width in points (docs/images/corrected.svg).

| scores | way | estimate | off by | width | held, % |
|---:|---|---:|---:|---:|---:|
{table_rows}
"""

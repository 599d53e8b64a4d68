"""Rubrics of points: what a response earns by the criteria that it meets, as HealthBench has it.

After Arora et al. 2025 (HealthBench, arXiv 2505.08775), section 3. A criterion's points stand at
the beginning of its line in the checklist, `[+5]` or `[-8]`; one with negative points describes
what a response should not do.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.domain.estimation import Estimate, Floats, Indices, mean_estimate

_POINTS = re.compile(r"\[(?P<points>[+\-−]\d{1,3})\]\s*")


def criterion_line(text: str, points: int) -> str:
    """A criterion with its points, on one line."""
    return f"[{points:+d}] {' '.join(text.split())}"


def points_of(requirement: str) -> int | None:
    """The points of a criterion; None where a requirement has none."""
    found = _POINTS.match(requirement)
    return None if found is None else int(found["points"].replace("−", "-"))


def rubric_score(criteria: Sequence[tuple[int, bool]]) -> float | None:
    """Points met over all positive points, not clipped: it may be negative, and is at most 1.

    None where no criterion has positive points.

    Args:
        criteria: points of each, and whether the response meets it.
    """
    met = sum(points for points, is_met in criteria if is_met)
    possible = sum(points for points, _ in criteria if points > 0)
    return met / possible if possible else None


def overall_score(scores: Floats, clusters: Indices) -> Estimate:
    """The mean over responses with its interval, clipped to 0–1 as a whole.

    Args:
        scores: shape (n,), not clipped.
        clusters: shape (n,), the question of each.
    """
    found = mean_estimate(scores, clusters)
    value, low, high = (
        None if one is None else min(1.0, max(0.0, one))
        for one in (found.value, found.low, found.high)
    )
    return replace(found, value=value, low=low, high=high)


@dataclass(frozen=True, slots=True)
class ClassF1:
    """F1 of each answer, and their plain mean.

    Attributes:
        met, not_met: None where neither side gives that answer.
        macro: None where either is.
    """

    n: int
    met: float | None
    not_met: float | None
    macro: float | None


def macro_f1(pairs: Sequence[tuple[bool, bool]]) -> ClassF1:
    """Macro F1 of pairs (one side says that a criterion is met, the other one does).

    F1 = 2·TP / (2·TP + FP + FN), for `met` and for `not met`; the same whichever side is first.
    """
    both, neither = sum(a and b for a, b in pairs), sum(not a and not b for a, b in pairs)
    apart = sum(a != b for a, b in pairs)
    met = 2 * both / (2 * both + apart) if both + apart else None
    not_met = 2 * neither / (2 * neither + apart) if neither + apart else None
    macro = None if met is None or not_met is None else (met + not_met) / 2
    return ClassF1(len(pairs), met, not_met, macro)

"""Exporting cases: one row a response, what judge and physicians say of it, for any spreadsheet."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.services.agreeing import Case
from core.services.exporting import write_whole

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d*\.?\d+")
_HEAD = (
    "question", "category", "category2", "scene", "difficulty", "model", "sample", "judge_mean",
    "judge_median", "judge_usable", "judge_unscored", "judge_spread", "unstable",
    "physicians_usable", "physicians", "scores", "false_usable", "missed_risk",
)  # fmt: skip


def export_cases(cases: Sequence[Case], out: Path, *, codes: Mapping[str, str]) -> int:
    """Write a CSV of cases; how many rows it has. Missing values are empty.

    Args:
        codes: what people are called in it, by name.

    Raises:
        Refused: `cannot_write`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD)
    writer.writerows([harmless(cell) for cell in _row(case, codes)] for case in cases)
    write_whole(out, text.getvalue())
    return len(cases)


def harmless(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula; a signed number is none."""
    is_formula = isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def _row(case: Case, codes: Mapping[str, str]) -> tuple[object, ...]:
    judge = case.judge
    return (
        case.question, case.category, case.category2, case.scene, case.difficulty, case.model,
        case.sample, judge.mean, judge.median, _side(judge.usable), judge.unscored_because,
        judge.spread, int(judge.is_unstable), _side(case.physicians_usable),
        "; ".join(codes[score.person] for score in case.scores),
        "; ".join(str(score.value) for score in case.scores),
        int(case.is_false_usable), int(case.is_missed_risk),
    )  # fmt: skip


def _side(usable: bool | None) -> int | None:
    return None if usable is None else int(usable)

"""Tallying: what a judge or jury says of every response of a study, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.services.empanelling import Panel
from core.services.permitting import require
from core.store import readings
from core.store.assessments import Plan
from core.store.database import Store
from core.store.studies import Study

USABLE, UNUSABLE, UNSCORED, PENDING, ABSENT = 1, 0, -1, -2, -3

Codes = npt.NDArray[np.int8]
Ids = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a judge or jury says of every response of a study, one row a response.

    Attributes:
        response, question, model: ids, shape (n,).
        code: 1 usable, 0 unusable, −1 unscored, −2 not judged yet, −3 absent, shape (n,).
    """

    response: Ids
    question: Ids
    model: Ids
    code: Codes


def verdicts_of(
    store: Store, study: Study, panel: Panel, *, question_ids: tuple[int, ...] | None = None
) -> Verdicts:
    """What a judge or jury says of every response, in the order of ids.

    Args:
        question_ids: of the responses to these questions alone; None for all.
    """
    require(store, "lead")
    tables = []
    for judge, rounds in panel.members:
        plan = Plan(study.id, judge.id, rounds, question_ids)
        rows = readings.response_readings(store, plan)
        tables.append((np.array(rows, dtype=np.int64).reshape(-1, 7), rounds))
    first = tables[0][0]
    usable_from = panel.scale.usable_from
    sides = [_codes(table, rounds, usable_from) for table, rounds in tables]
    code = sides[0] if panel.rule is None else _together(panel, tables, sides)
    return Verdicts(first[:, 0], first[:, 1], first[:, 2], code)


def _codes(table: npt.NDArray[np.int64], rounds: int, usable_from: int) -> Codes:
    """Codes of `Verdicts` from a judge's summed rounds."""
    _, _, _, is_absent, scored, asked, total = table.T
    code = np.where(total >= usable_from * rounds, USABLE, UNUSABLE)
    code = np.where(scored < rounds, UNSCORED, code)
    code = np.where(asked < rounds, PENDING, code)
    code = np.where((is_absent == 1) & (asked == 0), ABSENT, code)
    return code.astype(np.int8)


def _together(
    panel: Panel, tables: Sequence[tuple[npt.NDArray[np.int64], int]], sides: Sequence[Codes]
) -> Codes:
    """A jury's codes: scored only where all its members are."""
    every = np.stack(sides)
    worst = every.min(0)
    if panel.rule == "majority":
        ayes = (every == USABLE).sum(0)
        usable = np.where(2 * ayes > len(sides), USABLE, UNUSABLE)
        usable = np.where(2 * ayes == len(sides), UNSCORED, usable)
    else:
        means = np.stack([table[:, 6] / rounds for table, rounds in tables])
        mean = means.mean(0) if panel.rule == "mean" else np.median(means, axis=0)
        usable = np.where(mean >= panel.scale.usable_from - 1e-9, USABLE, UNUSABLE)
    code: Codes = np.where(worst < 0, worst, usable).astype(np.int8)
    return code

"""Testing: how a judge agrees on what revisers saw, and on what was held out, once a version.

A judge's agreement on held-out questions is read once for each prompt that is put to use, when its
verdicts there are complete, and never again: looked at often enough, it would be fitted too.
"""

from dataclasses import dataclass

from core.services.agreeing import Case, cases_of
from core.services.comparing import Comparison, comparison_of
from core.services.permitting import require
from core.services.sealing import seals_of
from core.store import judges, questions, tested
from core.store.database import Store
from core.store.judges import Judge
from core.store.studies import Study
from core.store.tested import Reading


@dataclass(frozen=True, slots=True)
class Tested:
    """A prompt that was put to use, with both readings; None where they are not complete yet."""

    version: int
    reason: str
    created_by: str
    created_at: str
    dev: Reading | None
    held_out: Reading | None


def read_parts(
    store: Store, study: Study, judge: Judge, category: str, language: str, *, by: str
) -> None:
    """Read the agreement of the prompt in use, if it was not and its verdicts are complete."""
    require(store, "lead")
    activation_id = tested.current_activation(store, study.id, judge.id, category, language)
    if activation_id is None or tested.readings(store, activation_id):
        return
    rounds = judges.plan_rounds(store, study.id, judge.id)
    assert rounds is not None
    kinds = {one.id: (one.category, one.language) for one in
             questions.questions_of_study(store, study.id)}  # fmt: skip
    cases = [
        case
        for case in cases_of(store, study, judge, rounds)
        if kinds[case.question_id] == (category, language)
    ]
    if not cases or any(case.judge.unscored_because == "pending" for case in cases):
        return
    held_out = seals_of(store, study).held_out
    for part in tested.PARTS:
        some = [case for case in cases if (case.question_id in held_out) == (part == "held_out")]
        with store.writing():
            tested.add_reading(store, activation_id, _reading(part, some, judge), by=by)


def history_of(
    store: Store, study: Study, judge: Judge, category: str, language: str, *, by: str
) -> list[Tested]:
    """Every prompt that served a judge, oldest first, read on both parts.

    Reads what is complete and was not read yet.
    """
    require(store, "lead")
    read_parts(store, study, judge, category, language, by=by)
    found = []
    for one in tested.activations(store, study.id, judge.id, category, language):
        known = tested.readings(store, one.id)
        found.append(
            Tested(
                one.version, one.reason, one.created_by, one.created_at,
                known.get("dev"), known.get("held_out"),
            )
        )  # fmt: skip
    return found


def _reading(part: tested.TestedPart, cases: list[Case], judge: Judge) -> Reading:
    found: Comparison = comparison_of(cases, judge, only=("cohen_kappa",))
    kappa = found.usable.coefficients["cohen_kappa"]
    return Reading(
        part, found.usable.agreement.n, found.usable.agreement.value, kappa.value, kappa.low,
        kappa.high, found.usable.table[0][1],
    )  # fmt: skip

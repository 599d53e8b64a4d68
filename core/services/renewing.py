"""Renewing: what figures are made of, after study facts were added; only what these touch is read.

A physician scores one question of thousands, and a dashboard is looked at while they score.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from core.services.agreeing import Case, cases_of_panel
from core.services.empanelling import Panel
from core.services.permitting import require
from core.services.tallying import Verdicts, verdicts_of
from core.store import draws, questions, readings
from core.store.database import Store
from core.store.studies import Study

Facts = tuple[int, ...]
#: Where more questions than these are touched, everything is read.
_MOST = 200


@dataclass(frozen=True, slots=True)
class KnownCases:
    """All cases of a judge or jury at some state of the facts (`readings.stamp`)."""

    facts: Facts
    cases: list[Case]


@dataclass(frozen=True, slots=True)
class KnownVerdicts:
    """What a judge or jury says of every response, at some state of the facts."""

    facts: Facts
    verdicts: Verdicts


def renewed_cases(
    store: Store, study: Study, panel: Panel, before: KnownCases | None,
    *, version: int | None = None,
) -> KnownCases:  # fmt: skip
    """All cases as they are now, the same as `cases_of_panel` reads them."""
    require(store, "lead")
    now = readings.stamp(store)
    touched = _touched(store, study, before, now)
    if before is None or touched is None:
        return KnownCases(now, cases_of_panel(store, study, panel, version=version))
    if not touched:
        return KnownCases(now, before.cases)
    fresh = cases_of_panel(
        store, study, panel, version=version, question_ids=tuple(sorted(touched))
    )
    return KnownCases(now, _merged(store, study, before.cases, fresh, touched))


def renewed_verdicts(
    store: Store, study: Study, panel: Panel, before: KnownVerdicts | None
) -> KnownVerdicts:
    """Verdicts as they are now, the same as `verdicts_of` reads them."""
    require(store, "lead")
    now = readings.stamp(store)
    touched = None
    if before is not None:
        touched = readings.questions_touched(store, before.facts, now, most=_MOST)
    if before is None or touched is None:
        return KnownVerdicts(now, verdicts_of(store, study, panel))
    if not readings.has_judged_since(store, before.facts):
        return KnownVerdicts(now, before.verdicts)
    places = tuple(sorted(touched))
    fresh = verdicts_of(store, study, panel, question_ids=places)
    kept = ~np.isin(before.verdicts.question, places)
    columns = [
        np.concatenate([getattr(before.verdicts, one.name)[kept], getattr(fresh, one.name)])
        for one in fields(Verdicts)
    ]
    order = np.argsort(columns[0], kind="stable")
    return KnownVerdicts(now, Verdicts(*(column[order] for column in columns)))


def _touched(store: Store, study: Study, before: KnownCases | None, now: Facts) -> set[int] | None:
    """Questions whose cases may differ from what is known; None for any."""
    if before is None:
        return None
    if draws.is_drawn(store, study.id) and readings.has_judged_since(store, before.facts):
        return None  # weights of other responses follow what a judge says of this one
    return readings.questions_touched(store, before.facts, now, most=_MOST)


def _merged(
    store: Store, study: Study, known: Sequence[Case], fresh: Sequence[Case], touched: set[int]
) -> list[Case]:
    """Cases in their order, those of some questions replaced."""
    order = {
        one.id: place for place, one in enumerate(questions.questions_of_study(store, study.id))
    }
    kept = [case for case in known if case.question_id not in touched]
    return sorted(
        [*kept, *fresh], key=lambda case: (order[case.question_id], case.model, case.sample)
    )

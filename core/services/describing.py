"""Describing: everything that a methods report says of a study, as values without words."""

import platform
import statistics
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from core.errors import Refused
from core.services import ranking
from core.services.agreeing import Case, cases_of_panel, grouped
from core.services.agreeing_parts import (
    Dimensions,
    OnRequirements,
    dimensions_by_model,
    requirements_of,
)
from core.services.agreeing_physicians import Ceiling, Within, ceiling_of, within_of
from core.services.choosing import Choice, chosen
from core.services.comparing import Comparison, comparison_of
from core.services.empanelling import Panel
from core.services.permitting import require
from core.services.ranking import Board
from core.services.rating import Order
from core.services.tallying import verdicts_of
from core.store import assessments, datasets, described, readings, statements, table_settings
from core.store.assessments import Plan
from core.store.database import Store
from core.store.datasets import Dataset
from core.store.described import Answered, Asked, Drawn, Followed
from core.store.statements import NAMES, Name
from core.store.studies import Study
from core.store.table_settings import Exclusion

#: Groups of the agreement tables, in their order.
GROUPS = ("category", "model", "difficulty")


@dataclass(frozen=True, slots=True)
class Sat:
    """A member of the machine's side with what it follows, and which rows it gave.

    Attributes:
        rows: ids of its assessments as ranges, such as `12–40, 52`.
    """

    name: str
    engine: str
    model: str
    parameters: dict[str, object]
    rounds: int
    prompts: tuple[Followed, ...]
    unscored: dict[str, int]
    rows: str


@dataclass(frozen=True, slots=True)
class Scorer:
    """A physician without a name.

    Attributes:
        seconds: median active time on a response; None where none was measured.
    """

    code: str
    scores: int
    blind: int
    unknown: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Description:
    """A study as a methods report tells it.

    Attributes:
        scored_rows: ids of the physicians' scores that count, as ranges.
        groups: comparisons by group, within each of `GROUPS`.
        with_excluded: the other reading, where questions are excluded.
        facts: highest ids of the tables that figures are made of (`core.store.readings.stamp`).
    """

    study: Study
    datasets: tuple[Dataset, ...]
    stated: dict[Name, str]
    asked: tuple[Asked, ...]
    answered: tuple[Answered, ...]
    panel: Panel
    judges: tuple[Sat, ...]
    scorers: tuple[Scorer, ...]
    scored_rows: str
    drawn: tuple[Drawn, ...]
    comparison: Comparison
    groups: dict[str, dict[str, Comparison]]
    ceiling: Ceiling
    within: tuple[Within, ...]
    requirements: OnRequirements
    dimensions: tuple[Dimensions, ...]
    board: Board
    with_excluded: Comparison | None
    exclusions: tuple[Exclusion, ...]
    facts: tuple[tuple[str, int], ...]
    made_at: str
    python: str


def description_of(store: Store, study: Study, panel: Panel) -> Description:
    """Everything that a methods report of a judge or jury says.

    Raises:
        Refused: `nothing_to_report` where nobody has scored a response.
    """
    require(store, "lead")
    every = cases_of_panel(store, study, panel)
    cases = chosen(every, Choice())
    if not cases:
        raise Refused("nothing_to_report", study=study.name)
    exclusions = table_settings.exclusions(store, study.id)
    calibration = ranking.calibrating(store, study, panel, every)
    verdicts = verdicts_of(store, study, panel)
    return Description(
        study, tuple(datasets.datasets_of_study(store, study.id)),
        statements.statements(store, study.id),
        tuple(described.asked(store, study.id)), tuple(described.answered(store, study.id)),
        panel, _judges(store, study, panel), _scorers(cases),
        ranges(sorted(score.id for case in cases for score in case.scores)),
        tuple(described.drawn(store, study.id)),
        comparison_of(cases, panel), _groups(cases, panel), ceiling_of(cases, panel),
        tuple(_coded(within_of(store, study), cases)),
        requirements_of(store, study, panel, cases),
        tuple(dimensions_by_model(store, study, panel, cases)),
        ranking.board(
            store, study, Order(benchmark=next(iter(ranking.benchmarks(store, study)), "")),
            verdicts, *calibration,
        ),
        comparison_of(every, panel) if exclusions else None, tuple(exclusions),
        tuple(zip(readings.SOURCES, readings.stamp(store), strict=True)),
        datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), platform.python_version(),
    )  # fmt: skip


def state(store: Store, study: Study, name: Name, value: str, *, by: str) -> None:
    """State something for the methods report; '' takes it back.

    Raises:
        Refused: `unknown_statement`.
    """
    require(store, "lead")
    if name not in NAMES:
        raise Refused("unknown_statement", name=name, known=", ".join(NAMES))
    with store.writing():
        statements.add_statement(store, study.id, name, value.strip(), by=by)


def stated(store: Store, study: Study) -> dict[Name, str]:
    """What a study states for its methods report."""
    require(store, "lead")
    return statements.statements(store, study.id)


def ranges(ids: list[int]) -> str:
    """Ascending ids as ranges, such as `1–3, 7`."""
    found: list[list[int]] = []
    for one in ids:
        if found and one == found[-1][1] + 1:
            found[-1][1] = one
        else:
            found.append([one, one])
    return ", ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in found)


def codes_of(cases: list[Case]) -> dict[str, str]:
    """R1, R2, … by name, in the order in which people arrived."""
    people = {score.person_id: score.person for case in cases for score in case.scores}
    return {people[one]: f"R{number}" for number, one in enumerate(sorted(people), 1)}


def _judges(store: Store, study: Study, panel: Panel) -> tuple[Sat, ...]:
    return tuple(
        Sat(
            judge.name, judge.engine, judge.model, judge.parameters, rounds,
            tuple(described.followed(store, study.id, judge.id)),
            assessments.unscored_reasons(store, Plan(study.id, judge.id, rounds)),
            ranges(described.judged_ids(store, study.id, judge.id)),
        )
        for judge, rounds in panel.members
    )  # fmt: skip


def _scorers(cases: list[Case]) -> tuple[Scorer, ...]:
    found = []
    for name, code in codes_of(cases).items():
        own = [score for case in cases for score in case.scores if score.person == name]
        phases = Counter(score.phase for score in own)
        seconds = [score.seconds for score in own if score.seconds is not None]
        found.append(
            Scorer(
                code, len(own), phases["blind"], phases["unknown"],
                statistics.median(seconds) if seconds else None,
            )
        )  # fmt: skip
    return tuple(found)


def _coded(within: list[Within], cases: list[Case]) -> list[Within]:
    codes = codes_of(cases)
    return [Within(codes.get(one.name, ""), one.usable) for one in within if not one.name]


def _groups(cases: list[Case], panel: Panel) -> dict[str, dict[str, Comparison]]:
    only = ("cohen_kappa", "gwet_ac1", "quadratic_kappa")
    return {
        name: {
            label: comparison_of(some, panel, only=only)
            for label, some in grouped(cases, lambda case: str(getattr(case, name))).items()  # noqa: B023
            if label
        }
        for name in GROUPS
    }

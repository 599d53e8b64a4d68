"""What exams come to: accuracy of every cell, places that models lean on, and what was not read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.domain.estimation import Estimate, undefined, wilson_interval
from core.domain.tallies import FACETS, Tally
from core.errors import Refused, UnknownName
from core.services.examining import reader_rater
from core.services.permitting import require
from core.store import exams
from core.store.database import Store
from core.store.exams import Unread
from core.store.studies import Study

#: `exact`: exactly the right options, unread answers left out; `exact_of_all`: unread ones wrong;
#: `credit`: partial credit, unread answers left out.
Measure = Literal["exact", "exact_of_all", "credit"]
MEASURES: tuple[Measure, ...] = ("exact", "exact_of_all", "credit")
#: So many unread responses are listed at once.
_LISTED = 200


@dataclass(frozen=True, slots=True)
class ExamCell:
    """How one model answered the exercises of one cell."""

    cell: tuple[str, ...]
    model: str
    tally: Tally
    share: Estimate


@dataclass(frozen=True, slots=True)
class ExamTable:
    """Accuracy by model and cell.

    Attributes:
        cut: facets that the cells are cut by, in the order of `core.domain.tallies.FACETS`.
        models: best overall first.
    """

    dataset: str
    cut: tuple[str, ...]
    measure: Measure
    models: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    found: tuple[ExamCell, ...]

    def at(self, cell: tuple[str, ...], model: str) -> ExamCell | None:
        """The figure of a model in a cell; None where it has no response there."""
        return next((one for one in self.found if (one.cell, one.model) == (cell, model)), None)


def exam_dataset(store: Store, study: Study, name: str = "") -> tuple[int, str]:
    """A study's dataset with closed questions: the one of that name, or the first.

    Raises:
        Refused: `no_closed_questions`.
        UnknownName: `unknown_dataset`.
    """
    require(store, "lead")
    known = exams.closed_datasets(store, study.id)
    if not known:
        raise Refused("no_closed_questions", study=study.name)
    for found in known:
        if name in ("", found[1]):
            return found
    raise UnknownName("unknown_dataset", name=name, known=", ".join(one for _, one in known))


def exam_table(
    store: Store, study: Study, dataset: str, cut: Sequence[str], measure: Measure = "exact"
) -> ExamTable:
    """Accuracy by model, cut by none, one, two or all four facets.

    Raises:
        Refused: `no_closed_questions`; `bad_cut`.
        UnknownName: `unknown_dataset`.
    """
    require(store, "lead")
    dataset_id, name = exam_dataset(store, study, dataset)
    ordered = tuple(facet for facet in FACETS if facet in cut)
    is_kept = len(ordered) in (0, 1) or (measure == "exact" and len(ordered) in (2, len(FACETS)))
    if len(ordered) != len(set(cut)) or not is_kept:
        raise Refused("bad_cut", written=", ".join(cut), known=", ".join(FACETS))
    overall = exams.tallies(store, dataset_id, measure, ())
    ranked = sorted(overall, key=lambda one: (-(one[2].share.value or 0.0), one[1]))
    found = overall if not ordered else exams.tallies(store, dataset_id, measure, ordered)
    cells = tuple(ExamCell(cell, model, tally, tally.share) for cell, model, tally in found)
    return ExamTable(
        name, ordered, measure, tuple(model for _, model, _ in ranked),
        tuple(dict.fromkeys(one.cell for one in cells)), cells,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExamStanding:
    """An exam at a glance, as it was last scored.

    Attributes:
        scored, unread, absent: responses of all models.
        best: the most accurate model and its accuracy; None before the first scoring.
    """

    dataset: str
    questions: int
    models: int
    scored: int
    unread: int
    absent: int
    best: tuple[str, Estimate] | None


def standings(store: Store, study: Study) -> tuple[ExamStanding, ...]:
    """A study's exams, in the order in which they came in."""
    require(store, "lead")
    ids = {name: dataset_id for dataset_id, name in exams.closed_datasets(store, study.id)}
    found = []
    for name, questions in exams.closed_counts(store, study.id):
        rows = [(model, one) for _, model, one in exams.tallies(store, ids[name], "exact", ())]
        ranked = sorted(rows, key=lambda row: (-(row[1].share.value or 0.0), row[0]))
        found.append(
            ExamStanding(
                name, questions, len(rows), sum(one.n for _, one in rows),
                sum(one.unscored for _, one in rows), sum(one.absent for _, one in rows),
                (ranked[0][0], ranked[0][1].share) if ranked else None,
            )
        )  # fmt: skip
    return tuple(found)


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A model and a place of the options, from the top.

    Attributes:
        chosen: share of responses that chose it; without a leaning it equals `is_right`.
        is_right: share of questions whose right option stood there.
        accuracy: share answered right of those whose right option stood there.
    """

    model: str
    place: int
    chosen: Estimate
    is_right: float
    accuracy: Estimate


def places(store: Store, study: Study, dataset: str = "") -> list[PlaceRow]:
    """How models lean on places, over questions with one right option.

    Intervals take responses as independent of each other.

    Raises:
        Refused, UnknownName: as `exam_dataset`.
    """
    require(store, "lead")
    dataset_id, _ = exam_dataset(store, study, dataset)
    return [
        PlaceRow(
            model, place, _share(chosen, shown), is_right / shown, _share(right_chosen, is_right)
        )
        for model, place, shown, chosen, is_right, right_chosen in exams.place_tallies(
            store, dataset_id
        )
    ]


def unread(
    store: Store, study: Study, dataset: str = "", *, limit: int = _LISTED
) -> tuple[list[tuple[str, str, int]], list[Unread]]:
    """Numbers of unread responses by model and reason; and the first of them.

    Raises:
        Refused, UnknownName: as `exam_dataset`.
    """
    require(store, "lead")
    dataset_id, _ = exam_dataset(store, study, dataset)
    rater_id = reader_rater(store)
    if rater_id is None:
        return [], []
    return (
        exams.unread_reasons(store, dataset_id),
        exams.unread(store, study.id, dataset_id, rater_id, limit=limit),
    )


def _share(hits: int, n: int) -> Estimate:
    if n == 0:
        return undefined(0, "no_pairs")
    low, high = wilson_interval(hits / n, n)
    return Estimate(hits / n, n, low, high, None, "wilson")

"""Examining: responses to closed questions are scored exactly, without a judge, and tallied.

The rater is the reading itself, under its version; a response that it can't read is unscored with
a reason. Tallies are made anew with every scoring: pages read them, and never half a million rows.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain.choices import READER, ChoiceReader
from core.domain.closed import (
    Closed,
    exact_match,
    in_file_labels,
    level_of_share,
    partial_credit,
    presented,
)
from core.domain.tallies import CUTS, FACETS, Answers, Tally, tallies
from core.errors import Refused
from core.services.permitting import require
from core.store import exams, judges
from core.store.database import Store
from core.store.exams import Answered, ExerciseStrata
from core.store.studies import Study

#: Closed questions that are read between two reports of progress.
_AT_ONCE = 2_000
_NO_STEM = ""
#: A level that was estimated from the models' answers carries this mark.
ESTIMATED = "~"
Progress = Callable[[int, int], None]
#: question, model, is absent, score, chosen labels, order shown
_Row = tuple[int, int, int, int | None, str, str]


@dataclass(frozen=True, slots=True)
class Examined:
    """What a scoring did: how many responses were read now, and what all come to."""

    read: int
    unread: int
    questions: int
    responses: int


def score_closed(
    store: Store, study: Study, *, by: str, progress: Progress | None = None
) -> Examined:
    """Score all responses to a study's closed questions that have no score yet, and tally all.

    Raises:
        Refused: `no_closed_questions`.
    """
    require(store, "lead")
    datasets = exams.closed_datasets(store, study.id)
    if not datasets:
        raise Refused("no_closed_questions", study=study.name)
    read = unread = questions = responses = 0
    with store.writing():
        rater_id = _ensure_reader(store, by=by)
        for dataset_id, _ in datasets:
            ids = exams.closed_ids(store, dataset_id)
            for start in range(0, len(ids), _AT_ONCE):
                some = ids[start : start + _AT_ONCE]
                found = list(_scored(store, study, rater_id, some[0], some[-1]))
                exams.add_readings(store, rater_id, found, by=by)
                read += len(found)
                unread += sum(row[2] is None for row in found)
                if progress is not None:
                    progress(start + len(some), len(ids))
            questions += len(ids)
            responses += _tally(store, study, dataset_id, rater_id)
    return Examined(read, unread, questions, responses)


def reader_rater(store: Store) -> int | None:
    """Id of the rater that reads choices by the present rules; None before the first scoring."""
    require(store, "lead", "physician", "adjudicator")
    return judges.rater_of(store, "exact", "choices", {"reader": READER})


def _ensure_reader(store: Store, *, by: str) -> int:
    configuration = judges.ensure_configuration(store, "exact", "choices", {"reader": READER})
    prompt = judges.ensure_prompt(
        store, judges.ANY, judges.ANY, "", reason="reads no prompt", by=by
    )
    return judges.ensure_rater(store, configuration, prompt)


def _scored(
    store: Store, study: Study, rater_id: int, first: int, last: int
) -> Iterator[tuple[int, int, int | None, str | None, str, str]]:
    closed = exams.closed_questions(store, study.id, first, last)
    readers: dict[tuple[int, str], ChoiceReader] = {}
    for one in exams.answered(store, study.id, rater_id, first, last):
        key = (one.criteria_id, one.order)
        if key not in readers:
            readers[key] = _reader(closed[one.criteria_id], one.order)
        yield _score(one, closed[one.criteria_id], readers[key])


def _reader(closed: Closed, order: str) -> ChoiceReader:
    options = presented(closed, order) if order else closed.options
    return ChoiceReader(options, takes_several=closed.takes_several)


def _score(
    one: Answered, closed: Closed, reader: ChoiceReader
) -> tuple[int, int, int | None, str | None, str, str]:
    found = reader.choice(one.text)
    if found.chosen is None:
        return one.response_id, one.criteria_id, None, found.unread_because, found.detail[:200], ""
    chosen = in_file_labels(found.chosen, one.order) if one.order else found.chosen
    if closed.right is None:
        return one.response_id, one.criteria_id, None, "no_right_answer", "", chosen
    value = int(exact_match(chosen, closed.right))
    return one.response_id, one.criteria_id, value, None, "", chosen


def _tally(store: Store, study: Study, dataset_id: int, rater_id: int) -> int:
    """Tally a dataset's responses anew; their number."""
    rows = exams.readings(store, study.id, dataset_id, rater_id)
    places = {
        question: (n, right) for question, n, right in exams.places(store, study.id, dataset_id)
    }
    found = exams.strata(store, dataset_id)
    answers = _answers(rows, found)
    credit = np.array([_credit(row, places[row[0]][1]) for row in rows], dtype=float)
    exams.replace_tallies(store, dataset_id, _all_tallies(answers, credit))
    exams.count_unread(store, study.id, dataset_id, rater_id)
    exams.replace_places(store, dataset_id, _places(rows, places))
    return len(rows)


def _all_tallies(
    answers: Answers, credit: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...], int, Tally]]:
    if not len(answers.model):
        return
    credited = Answers(
        answers.model, credit, answers.is_absent, answers.cluster, answers.facets, answers.values
    )
    for measure, some, is_wrong in (
        ("exact", answers, False), ("exact_of_all", answers, True), ("credit", credited, False),
    ):  # fmt: skip
        for cut in CUTS if measure == "exact" else CUTS[: 1 + len(FACETS)]:
            for cell, model, tally in tallies(some, cut, unscored_as_wrong=is_wrong):
                yield measure, cut, cell, model, tally


def _answers(rows: Sequence[_Row], found: Sequence[ExerciseStrata]) -> Answers:
    columns = np.array(
        [(row[0], row[1], row[2], math.nan if row[3] is None else row[3]) for row in rows],
        dtype=float,
    ).reshape(-1, 4)
    question = columns[:, 0].astype(np.intp)
    levels = _levels(question, columns[:, 3], found)
    at = np.searchsorted([one.question_id for one in found], question)
    facets, values = {}, {}
    for name in FACETS:
        of_question = [
            levels[one.question_id] if name == "level" else str(getattr(one, name)) for one in found
        ]
        known = sorted(set(of_question))
        code = {value: number for number, value in enumerate(known)}
        facets[name] = np.array([code[value] for value in of_question], dtype=np.intp)[at]
        values[name] = known
    stems = [one.stem or f"question {one.question_id}" for one in found]
    number = {stem: at for at, stem in enumerate(dict.fromkeys(stems))}
    cluster = np.array([number[stem] for stem in stems], dtype=np.intp)[at]
    return Answers(
        columns[:, 1].astype(np.intp), columns[:, 3], columns[:, 2] == 1, cluster, facets, values
    )


def levels_of(
    store: Store, study: Study, dataset_id: int
) -> tuple[Mapping[int, str], Mapping[int, float]]:
    """Level of every closed question, and the share that models answer right where known."""
    require(store, "lead")
    found = exams.strata(store, dataset_id)
    rater_id = reader_rater(store)
    rows = [] if rater_id is None else exams.readings(store, study.id, dataset_id, rater_id)
    scored = [(row[0], row[3]) for row in rows if row[3] is not None]
    question = np.array([row[0] for row in scored], dtype=np.intp)
    score = np.array([row[1] for row in scored], dtype=float)
    n = np.bincount(question)
    right = np.bincount(question, weights=score)
    shares = {int(at): float(right[at] / n[at]) for at in np.flatnonzero(n)}
    return _levels(question, score, found), shares


def _levels(
    question: "np.ndarray[tuple[int], np.dtype[np.intp]]",
    score: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    found: Sequence[ExerciseStrata],
) -> Mapping[int, str]:
    """Difficulty of every question: as its file gives it, or estimated from the models' answers.

    Estimated is the bin of the share of responses that are right, unscored ones left out; such a
    level carries a mark. '' where there is neither.
    """
    scored = ~np.isnan(score)
    n = np.bincount(question[scored])
    right = np.bincount(question[scored], weights=score[scored])
    levels = {}
    for one in found:
        if one.level is not None:
            levels[one.question_id] = f"{one.level}{ESTIMATED if one.level_by == 'people' else ''}"
        elif one.question_id < len(n) and n[one.question_id]:
            share = right[one.question_id] / n[one.question_id]
            levels[one.question_id] = f"{level_of_share(share)}{ESTIMATED}"
        else:
            levels[one.question_id] = ""
    return levels


def _credit(row: _Row, right: str) -> float:
    """Partial credit of a response; NaN where it has no score."""
    if row[3] is None:
        return math.nan
    return 1.0 if row[3] else float(partial_credit(row[4], right))


def _places(
    rows: Sequence[_Row], places: Mapping[int, tuple[int, str]]
) -> Iterator[tuple[int, int, int, int, int, int]]:
    """How often each model chose a place, of questions with one right option."""
    kinds = Counter(
        (row[1], row[4], row[5], *places[row[0]]) for row in rows if len(places[row[0]][1]) == 1
    )
    counts: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for (model, chosen, order, options, right), n in kinds.items():
        if not chosen:
            continue
        labels = order or "ABCDEFGHIJKLMNOP"[:options]
        for place, label in enumerate(labels, 1):
            cell = counts[model, place]
            cell[0] += n
            cell[1] += n * (label in chosen)
            cell[2] += n * (label == right)
            cell[3] += n * (label == right and chosen == right)
    for (model, place), cell in sorted(counts.items()):
        yield model, place, cell[0], cell[1], cell[2], cell[3]

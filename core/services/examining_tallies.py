"""Sums of how models answered an exam, by every cell, made anew with every scoring.

Pages read them, and never half a million rows.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.domain.closed import LABELS, level_of_share, partial_credit
from core.domain.estimation import Floats, Indices, quotient
from core.domain.tallies import CUTS, FACETS, Answers, Tally, tallies
from core.services.permitting import require
from core.store import choices, exams
from core.store.database import Store
from core.store.exams import ExerciseStrata
from core.store.studies import Study

#: A level that was estimated from the models' answers carries this mark.
ESTIMATED = "~"


def tally(store: Store, study: Study, dataset_id: int, rater_id: int) -> int:
    """Tally a dataset's responses to closed questions anew; their number."""
    require(store, "lead")
    found = exams.strata(store, dataset_id)
    read = _read(choices.readings(store, study.id, dataset_id, rater_id), found)
    places = {
        question: (n, right) for question, n, right in choices.places(store, study.id, dataset_id)
    }
    kinds = [places[one.question_id] for one in found]
    with store.writing():
        exams.replace_tallies(store, dataset_id, _all_tallies(read, found, kinds))
        exams.count_unread(store, study.id, dataset_id, rater_id)
        exams.replace_places(store, dataset_id, _places(read, kinds))
    return len(read.score)


@dataclass(frozen=True, slots=True)
class ExamAnswers:
    """How models answered an exam so far.

    Attributes:
        questions: ids of the closed questions.
        given: their levels as their file gives them; '' where it does not.
        levels: their levels, given or estimated; '' where there is neither.
        scores: shape (models, questions), the mean of a model's samples; NaN without any.
    """

    questions: Sequence[int]
    given: Sequence[str]
    levels: Sequence[str]
    scores: Floats


def exam_answers(
    store: Store, study: Study, dataset_id: int, rater_id: int | None
) -> ExamAnswers:  # fmt: skip
    """Every model's scores on every closed question of a dataset."""
    require(store, "lead")
    found = exams.strata(store, dataset_id)
    rows = [] if rater_id is None else choices.readings(store, study.id, dataset_id, rater_id)
    read = _read(rows, found)
    unknown = np.full(len(found), np.nan)
    shape = len(read.models), len(found)
    at = read.model * len(found) + read.question
    return ExamAnswers(
        [one.question_id for one in found],
        _levels(unknown, found),
        _levels(_shares(read, len(found)), found),
        _means(at, read.score, shape[0] * shape[1]).reshape(shape),
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of every response, as columns of one length; words as codes.

    Attributes:
        question: place of the question among the strata.
        chosen, order: codes of `words`.
    """

    question: Indices
    model: Indices
    is_absent: npt.NDArray[np.bool_]
    score: Floats
    chosen: Indices
    order: Indices
    models: Sequence[int]
    words: Sequence[str]


def _read(
    rows: Sequence[tuple[int, int, int, int | None, str, str]], found: Sequence[ExerciseStrata]
) -> _Read:
    columns = zip(*rows, strict=True) if rows else ((),) * 6
    question, model, is_absent, score, chosen, order = columns
    models, of_model = np.unique(np.array(model, dtype=np.intp), return_inverse=True)
    words = {word: at for at, word in enumerate(dict.fromkeys((*chosen, *order)))}
    ids = np.array([one.question_id for one in found], dtype=np.intp)
    return _Read(
        np.searchsorted(ids, np.array(question, dtype=np.intp)), of_model,
        np.array(is_absent, dtype=bool), np.array(score, dtype=float),
        np.array([words[word] for word in chosen], dtype=np.intp),
        np.array([words[word] for word in order], dtype=np.intp),
        models.tolist(), list(words),
    )  # fmt: skip


def _all_tallies(
    read: _Read, found: Sequence[ExerciseStrata], kinds: Sequence[tuple[int, str]]
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...], int, Tally]]:
    if not len(read.score):
        return
    credit = _credit(read, [right for _, right in kinds])
    exact, credited = (_answers(read, score, found) for score in (read.score, credit))
    for measure, some, is_wrong in (
        ("exact", exact, False), ("exact_of_all", exact, True), ("credit", credited, False),
    ):  # fmt: skip
        for cut in CUTS if measure == "exact" else CUTS[: 1 + len(FACETS)]:
            for cell, model, sums in tallies(some, cut, unscored_as_wrong=is_wrong):
                yield measure, cut, cell, model, sums


def _answers(read: _Read, score: Floats, found: Sequence[ExerciseStrata]) -> Answers:
    levels = _levels(_shares(read, len(found)), found)
    facets, values = {}, {}
    for name in FACETS:
        of_question = levels if name == "level" else [str(getattr(one, name)) for one in found]
        values[name], facets[name] = _coded(of_question)
    stems = [one.stem or f"question {one.question_id}" for one in found]
    _, cluster = _coded(stems)
    return Answers(
        read.model, read.question, score, read.is_absent, read.models, cluster, facets, values
    )


def _coded(words: Sequence[str]) -> tuple[list[str], Indices]:
    """The different words in order, and the place of each word among them."""
    known = sorted(set(words))
    code = {word: at for at, word in enumerate(known)}
    return known, np.array([code[word] for word in words], dtype=np.intp)


def _shares(read: _Read, questions: int) -> Floats:
    """The share of scored responses that are right, of every question; NaN without any."""
    return _means(read.question, read.score, questions)


def _means(at: Indices, score: Floats, length: int) -> Floats:
    """Mean of the scores of each place; NaN where there is none."""
    scored = ~np.isnan(score)
    n = np.bincount(at[scored], minlength=length)
    return quotient(np.bincount(at[scored], weights=score[scored], minlength=length), n)


def _levels(shares: Floats, found: Sequence[ExerciseStrata]) -> list[str]:
    """Difficulty of every question: as its file gives it, or estimated from the models' answers.

    Estimated is the bin of the share of responses that are right, unscored ones left out; such a
    level carries a mark. '' where there is neither.
    """
    levels = []
    for one, share in zip(found, shares.tolist(), strict=True):
        if one.level is not None:
            levels.append(f"{one.level}{ESTIMATED if one.level_by == 'people' else ''}")
        else:
            levels.append("" if np.isnan(share) else f"{level_of_share(share)}{ESTIMATED}")
    return levels


def _credit(read: _Read, rights: Sequence[str]) -> Floats:
    """Partial credit of every response; NaN where it has no score."""
    known, right = _coded(rights)
    pairs, at = np.unique(read.chosen * len(known) + right[read.question], return_inverse=True)
    credits = [
        float(partial_credit(read.words[pair // len(known)], known[pair % len(known)]))
        for pair in pairs.tolist()
    ]
    return np.where(np.isnan(read.score), np.nan, np.array(credits)[at])


def _places(
    read: _Read, kinds: Sequence[tuple[int, str]]
) -> Iterator[tuple[int, int, int, int, int, int]]:
    """How often each model chose a place, of questions with one right option."""
    known = list(dict.fromkeys(kinds))
    code = {kind: at for at, kind in enumerate(known)}
    kind = np.array([code[one] for one in kinds], dtype=np.intp)[read.question]
    packed = np.stack([read.model, read.chosen, read.order, kind])
    shape = len(read.models), len(read.words), len(read.words), len(known)
    alike, numbers = np.unique(np.ravel_multi_index(packed, shape), return_counts=True)
    counts: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for at, n in zip(zip(*np.unravel_index(alike, shape), strict=True), numbers, strict=True):
        model, chosen, order = read.models[at[0]], read.words[at[1]], read.words[at[2]]
        options, right = known[at[3]]
        if not chosen or len(right) != 1:
            continue
        for place, label in enumerate(order or LABELS[:options], 1):
            cell = counts[model, place]
            cell[0] += int(n)
            cell[1] += int(n) * (label in chosen)
            cell[2] += int(n) * (label == right)
            cell[3] += int(n) * (label == right and chosen == right)
    for (model, place), cell in sorted(counts.items()):
        yield model, place, cell[0], cell[1], cell[2], cell[3]

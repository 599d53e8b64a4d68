"""Importing physicians' scores that were given elsewhere."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from core.domain.scales import ONE_TO_FIVE
from core.errors import BrokenFile
from core.formats import rows
from core.formats.base import GivenHumanScore
from core.formats.broken import Broken
from core.services.importing import Imported, add_run
from core.services.naming import dataset_named, study_of_dataset
from core.services.permitting import require
from core.store import criteria, human_scores, judges, people, questions, responses, reviews
from core.store.assessments import Given
from core.store.database import Store
from core.store.datasets import Dataset
from core.store.human_scores import ClaimedPhase
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class ScoreImport:
    """How physicians' scores are to be imported.

    Attributes:
        phase: what to take a row's phase for where the row states none.
    """

    dataset: str
    phase: ClaimedPhase
    by: str
    is_illustrative: bool = False


def import_scores(store: Store, path: Path, options: ScoreImport) -> Imported:
    """Import physicians' 1-5 scores from a table.

    A score that the physician has given already is left alone; another becomes a correction.

    Raises:
        BrokenFile: nothing was written; also for an unknown question, model or response, and
            for a score outside 1-5.
        UnknownName: `unknown_dataset`.
    """
    require(store, "lead")
    found = rows.read_scores(path)
    _refuse_repeats(found, file=path.name)
    with store.writing():
        dataset = dataset_named(store, options.dataset)
        study = study_of_dataset(store, options.dataset)
        broken = Broken(path.name)
        outcomes = Counter(
            broken.each(
                found,
                lambda score: _write(store, dataset, study, score, options, file=path.name),
            )
        )
        broken.refuse()
        if outcomes["added"] or outcomes["changed"]:
            add_run(store, dataset.id, "scores", path, options.by)
    return Imported(
        options.dataset, outcomes["added"], outcomes["changed"], outcomes["unchanged"],
        0, 0, len(found), 0, {},
    )  # fmt: skip


def _refuse_repeats(found: list[GivenHumanScore], *, file: str) -> None:
    broken = Broken(file)
    seen = set()
    for score in found:
        identity = (str(score.key), score.model, str(score.sample), score.physician)
        if identity in seen:
            broken.add(
                BrokenFile("repeated_key", file=file, where=score.where, key=", ".join(identity))
            )
        seen.add(identity)
    broken.refuse()


def _write(
    store: Store, dataset: Dataset, study: Study, score: GivenHumanScore, options: ScoreImport,
    *, file: str,
) -> str:  # fmt: skip
    """Store one row's score; `added`, `changed` or `unchanged`."""
    response_id, question_id = _response_of(store, dataset, score, study_id=study.id, file=file)
    if not ONE_TO_FIVE.holds(score.score):
        raise BrokenFile(
            "score_outside", file=file, where=score.where, key=str(score.key), score=score.score
        )
    person = people.ensure_person(store, score.physician, is_illustrative=options.is_illustrative)
    last = reviews.last_answer(store, person.id, response_id)
    given = Given(ONE_TO_FIVE, score.score, None, "", score.comment, score.safety_risk)
    if last is not None and last.says(given):
        return "unchanged"
    human_scores.add_human_assessment(
        store, response_id, judges.ensure_person_rater(store, person.id),
        criteria.active_version(store, study.id, question_id).id, given,
        claimed_phase=score.phase or options.phase, reason=f"imported from {file}", by=options.by,
    )  # fmt: skip
    return "added" if last is None else "changed"


def _response_of(
    store: Store, dataset: Dataset, score: GivenHumanScore, *, study_id: int, file: str
) -> tuple[int, int]:
    """Ids of the response that a row scores, and of its question."""
    question = questions.question_by_key(store, dataset.id, str(score.key))
    if question is None:
        raise BrokenFile(
            "unknown_question", file=file, where=score.where, key=str(score.key),
            dataset=dataset.name,
        )  # fmt: skip
    model_id = responses.model_id_of(store, score.model)
    if model_id is None:
        known = ", ".join(label for _, label in responses.models_of_study(store, study_id))
        raise BrokenFile(
            "no_such_model", file=file, where=score.where, name=score.model, known=known or "–"
        )
    found = responses.response_to(store, question.id, model_id, score.sample)
    if found is None or found.text is None:
        raise BrokenFile(
            "no_such_response", file=file, where=score.where, key=str(score.key),
            model=score.model, sample=score.sample,
        )  # fmt: skip
    return found.id, question.id

"""Importing files that bring responses with what people and judges said of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import Refused
from core.formats.judged import JudgedFormat, JudgedRow, JudgedScore, read_judged
from core.services.importing import add_run, note_personal_data
from core.services.importing_questions import QuestionImport, keep_questions
from core.services.importing_responses import ensure_imported_judge
from core.services.naming import dataset_named, study_of_dataset
from core.services.permitting import require
from core.store import (
    assessments,
    criteria,
    human_scores,
    judges,
    marks,
    people,
    questions,
    responses,
)
from core.store import tables as stored
from core.store.assessments import Given, Key
from core.store.database import Store
from core.store.marks import Mark


@dataclass(frozen=True, slots=True)
class JudgedImported:
    """What an import did: new questions, responses and scores; those that were there already."""

    dataset: str
    questions: int
    responses: int
    scores: int
    unchanged: int


def import_judged(
    store: Store, path: Path, format_: JudgedFormat, options: QuestionImport,
    *, phase: Literal["blind", "informed", "unknown"] = "unknown",
) -> JudgedImported:  # fmt: skip
    """Import questions, responses and scores in one go; what is there already is left alone.

    A response or score that differs from the one before becomes its next attempt.

    Raises:
        BrokenFile: nothing was written.
        Refused: `needs_name`, `judge_name_taken`, `judge_on_another_scale`.
    """
    require(store, "lead")
    if not options.name.strip():
        raise Refused("needs_name")
    found = read_judged(path, format_)
    with store.writing():
        return _Writer(store, path, options, phase).write(found)


class _Writer:
    """One import, inside one transaction."""

    def __init__(
        self, store: Store, path: Path, options: QuestionImport,
        phase: Literal["blind", "informed", "unknown"],
    ) -> None:  # fmt: skip
        self.store, self.path, self.options, self.phase = store, path, options, phase
        self.outcomes: Counter[str] = Counter()

    def write(self, found: Sequence[JudgedRow]) -> JudgedImported:
        exercises = {str(row.question.key): row.question for row in found}
        done = keep_questions(self.store, self.path, self.options, list(exercises.values()))
        self.dataset = dataset_named(self.store, self.options.name)
        self.study = study_of_dataset(self.store, self.options.name)
        self.ids = questions.question_ids(self.store, self.dataset.id)
        personal = []
        for row in found:
            if self._write(row):
                personal.append((self.ids[str(row.question.key)], "response", row.text))
        if self.outcomes["responses"] or self.outcomes["scores"]:
            run = add_run(self.store, self.dataset.id, "scores", self.path, self.options.by)
            note_personal_data(self.store, run, personal)
        counts = self.outcomes
        return JudgedImported(
            self.options.name, done.added, counts["responses"], counts["scores"],
            counts["unchanged"],
        )  # fmt: skip

    def _write(self, row: JudgedRow) -> bool:
        """Write a response with its scores; whether the response was new."""
        question_id = self.ids[str(row.question.key)]
        version = criteria.active_version(self.store, self.study.id, question_id)
        model_id = responses.ensure_model(self.store, row.model)
        known = responses.response_to(self.store, question_id, model_id, row.sample)
        is_new = known is None or known.text != row.text
        if is_new:
            attempt = 1 if known is None else known.attempt + 1
            response_id = responses.add_response(
                self.store, (question_id, model_id, row.sample, attempt), criteria_id=version.id,
                text=row.text, absent_because=None, origin="imported", by=self.options.by,
            )  # fmt: skip
        else:
            assert known is not None
            response_id = known.id
        self.outcomes["responses"] += is_new
        requirements = marks.requirements_of_version(self.store, version.id)
        for score in row.scores:
            parts = [Mark(None, name, value) for name, value in score.dimensions]
            if not parts and len(requirements) == 1:
                parts = [Mark(requirements[0].id, None, 2 * score.value)]
            self._score(response_id, version.id, score, parts)
        return is_new

    def _score(
        self, response_id: int, criteria_id: int, score: JudgedScore, parts: Sequence[Mark]
    ) -> None:
        scale = stored.ensure_scale(self.store, score.scale)
        by = self.options.by
        if score.kind == "judge":
            judge = ensure_imported_judge(
                self.store, self.study.id, score.rater, by=by, scale=scale
            )
            prompt = judges.active_prompts(self.store, self.study.id, judge.id)[0]
            rater_id = judges.ensure_rater(self.store, judge.configuration_id, prompt.id)
        else:
            rater_id = judges.ensure_person_rater(
                self.store, people.ensure_person(self.store, score.rater).id
            )
        key = Key(response_id, rater_id, criteria_id, 1)
        last = assessments.last_assessment(self.store, key)
        if last is not None and last[0] == score.value:
            self.outcomes["unchanged"] += 1
            return
        given = Given(scale, score.value, None, "", "")
        if score.kind == "judge":
            again = Key(response_id, rater_id, criteria_id, 1, 1 if last is None else last[2] + 1)
            assessments.add_machine_assessments(self.store, [(again, given)], by=by)
            assessment_id = assessments.last_id(self.store)
        else:
            assessment_id = human_scores.add_human_assessment(
                self.store, response_id, rater_id, criteria_id, given,
                claimed_phase=self.phase, reason=self.options.reason if last else "", by=by,
            )  # fmt: skip
        marks.add_marks(self.store, assessment_id, parts)
        self.outcomes["scores"] += 1

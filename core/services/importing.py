"""Importing: questions, responses and scores from files, all of a file or nothing of it."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.personal_data import findings
from core.domain.questions import language_of
from core.domain.scales import ONE_TO_FIVE, RELEASED
from core.errors import BrokenFile, Refused, UnknownName
from core.formats import llmeval_med, rows
from core.formats.base import (
    BenchmarkQuestion,
    GivenHumanScore,
    GivenResponse,
    GivenScore,
)
from core.services.naming import dataset_named
from core.store import (
    assessments,
    criteria,
    datasets,
    judges,
    people,
    questions,
    responses,
    reviews,
)
from core.store import studies as study_rows
from core.store.assessments import ClaimedPhase, Given, Key
from core.store.database import Store
from core.store.datasets import Dataset
from core.store.judges import Judge
from core.store.reviews import LastScore
from core.store.studies import Reveal

_FORMAT = "llmeval-med"
_IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        absent: responses without a text, or questions of the dataset that the file lacks.
        kept_revised: changed questions whose active version somebody had revised here; the file's
            version is stored and not activated.
        personal: how many places look like personal data, by kind.
    """

    dataset: str
    added: int
    changed: int
    unchanged: int
    absent: int
    kept_revised: int
    scored: int
    unscored: int
    personal: dict[str, int]


@dataclass(frozen=True, slots=True)
class QuestionImport:
    """How a benchmark is to be imported."""

    name: str
    by: str
    reason: str = ""
    may_leave: bool = False
    is_illustrative: bool = False
    reveal: Reveal = "batch_done"


def import_questions(store: Store, path: Path, options: QuestionImport) -> Imported:
    """Import an LLMEval-Med file, as a new dataset with its study or over an existing one.

    Questions whose record did not change are left alone. Changed text becomes a new version of
    the criteria, active unless somebody had revised the question here. Nothing is removed.

    Raises:
        BrokenFile: nothing was written.
        Refused: `needs_name`.
    """
    if not options.name.strip():
        raise Refused("needs_name")
    found = llmeval_med.read_questions(path)
    with store.writing():
        return _QuestionWriter(store, options, path).write(found)


class _QuestionWriter:
    """One import of questions, inside one transaction."""

    def __init__(self, store: Store, options: QuestionImport, path: Path) -> None:
        self.store = store
        self.options = options
        self.path = path
        self.reason = options.reason or f"imported from {path.name}"
        self.personal: list[tuple[int, str, str]] = []  # question id, field, text
        self.kept_revised = 0

    def write(self, found: Sequence[BenchmarkQuestion]) -> Imported:
        dataset_id = self._ensure_dataset()
        self.studies = study_rows.studies_of_dataset(self.store, dataset_id)
        ids = questions.question_ids(self.store, dataset_id)
        records = questions.records(self.store, dataset_id)
        outcomes: Counter[str] = Counter()
        for position, question in enumerate(found):
            key = str(question.key)
            if key not in ids:
                self._add(dataset_id, question, position)
                outcomes["added"] += 1
            elif records[key] == question.record:
                outcomes["unchanged"] += 1
            else:
                self._change(ids[key], question, records[key])
                outcomes["changed"] += 1
        personal: Counter[str] = Counter()
        if outcomes["added"] or outcomes["changed"]:
            run = _add_run(self.store, dataset_id, "questions", self.path, self.options.by)
            personal = _note_personal_data(self.store, run, self.personal)
        missing = len(ids) - outcomes["changed"] - outcomes["unchanged"]
        return Imported(
            self.options.name, outcomes["added"], outcomes["changed"], outcomes["unchanged"],
            missing, self.kept_revised, 0, 0, dict(personal),
        )  # fmt: skip

    def _ensure_dataset(self) -> int:
        store, options = self.store, self.options
        known = datasets.dataset_named(store, options.name)
        if known is not None:
            return known.id
        dataset_id = datasets.add_dataset(
            store,
            options.name,
            _FORMAT,
            is_illustrative=options.is_illustrative,
            by=options.by,
        )
        marking = "may_leave" if options.may_leave else "local"
        datasets.add_marking(store, dataset_id, marking, reason=self.reason, by=options.by)
        study_id = study_rows.add_study(store, options.name, reveal=options.reveal, by=options.by)
        study_rows.add_dataset_to_study(store, study_id, dataset_id)
        return dataset_id

    def _add(self, dataset_id: int, found: BenchmarkQuestion, position: int) -> None:
        conversation = questions.ensure_conversation(self.store, dataset_id, found.key)
        question_id = questions.add_question(
            self.store, dataset_id, conversation, found.key,
            language=language_of(found.criteria.question_text + found.criteria.checklist),
            position=position,
        )  # fmt: skip
        criteria_id = self._describe(question_id, found)
        for study_id in self.studies:
            criteria.activate(
                self.store, study_id, question_id, criteria_id,
                reason=self.reason, by=self.options.by,
            )  # fmt: skip

    def _change(self, question_id: int, found: BenchmarkQuestion, old_record: str) -> None:
        old = llmeval_med.criteria_of_record(old_record)
        criteria_id = self._describe(question_id, found)
        if old == found.criteria:
            return
        for study_id in self.studies:
            active = criteria.active_version(self.store, study_id, question_id)
            if active.criteria != old:
                self.kept_revised += 1
                continue
            criteria.activate(
                self.store, study_id, question_id, criteria_id,
                reason=self.reason, by=self.options.by,
            )  # fmt: skip

    def _describe(self, question_id: int, found: BenchmarkQuestion) -> int:
        """Store a question's record and the version of its criteria; the version's id."""
        questions.add_record(
            self.store, question_id, found.record,
            category2=found.category2, scene=found.scene, difficulty=found.difficulty,
            by=self.options.by,
        )  # fmt: skip
        texts = found.criteria
        self.personal += [
            (question_id, "question", texts.question_text),
            (question_id, "reference_answer", texts.reference_answer),
            (question_id, "checklist", texts.checklist),
        ]
        return criteria.ensure_version(
            self.store, question_id, texts, reason=self.reason, by=self.options.by
        )


@dataclass(frozen=True, slots=True)
class ResponseImport:
    """How responses made elsewhere are to be imported."""

    dataset: str
    model: str
    by: str
    sample: int = 1
    judge: str = _IMPORTED
    reason: str = ""


def import_responses(store: Store, path: Path, options: ResponseImport) -> Imported:
    """Import one model's responses; released scores become an imported judge on the scale 0-5.

    A response that is there already with the same text is left alone; another text becomes its
    next attempt.

    Raises:
        BrokenFile: nothing was written; also for an unknown question, or a question whose text
            in the file differs from every version in the database.
        UnknownName: `unknown_dataset`.
        Refused: `needs_name`, `judge_name_taken`.
    """
    if not options.model.strip() or not options.judge.strip():
        raise Refused("needs_name")
    reader = rows if rows.is_table(path) else llmeval_med
    found = reader.read_responses(path)
    with store.writing():
        return _ResponseWriter(store, options, path).write(found)


class _ResponseWriter:
    """One import of responses, inside one transaction."""

    def __init__(self, store: Store, options: ResponseImport, path: Path) -> None:
        self.store = store
        self.options = options
        self.path = path
        self.dataset = dataset_named(store, options.dataset)
        self.study_id = study_rows.studies_of_dataset(store, self.dataset.id)[0]
        self.ids = questions.question_ids(store, self.dataset.id)
        self.outcomes: Counter[str] = Counter()
        self.personal: list[tuple[int, str, str]] = []
        self.rater_id = 0

    def write(self, found: Sequence[GivenResponse]) -> Imported:
        self._refuse_repeats(found)
        self.model_id = responses.ensure_model(self.store, self.options.model)
        if any(response.score is not None for response in found):
            self._ensure_judge()
        for response in found:
            self._write_one(response)
        counts = self.outcomes
        personal: Counter[str] = Counter()
        if counts["added"] or counts["changed"] or counts["scored"] or counts["unscored"]:
            run = _add_run(self.store, self.dataset.id, "responses", self.path, self.options.by)
            personal = _note_personal_data(self.store, run, self.personal)
        return Imported(
            self.dataset.name, counts["added"], counts["changed"], counts["unchanged"],
            counts["absent"], 0, counts["scored"], counts["unscored"], dict(personal),
        )  # fmt: skip

    def _refuse_repeats(self, found: Iterable[GivenResponse]) -> None:
        seen = set()
        for response in found:
            identity = (response.key, response.sample or self.options.sample)
            if identity in seen:
                raise BrokenFile("repeated_key", file=self.path.name, key=str(response.key))
            seen.add(identity)
            if str(response.key) not in self.ids:
                raise BrokenFile(
                    "unknown_question", file=self.path.name, key=str(response.key),
                    dataset=self.dataset.name,
                )  # fmt: skip

    def _write_one(self, found: GivenResponse) -> None:
        question_id = self.ids[str(found.key)]
        criteria_id = self._criteria_asked(question_id, found)
        sample = found.sample or self.options.sample
        known = responses.response_to(self.store, question_id, self.model_id, sample)
        is_same = known is not None and (known.text, known.absent_because) == (
            found.text,
            found.absent_because,
        )
        if known is not None and is_same:
            self.outcomes["unchanged"] += 1
            response_id = known.id
        else:
            attempt = 1 if known is None else known.attempt + 1
            response_id = responses.add_response(
                self.store, (question_id, self.model_id, sample, attempt),
                criteria_id=criteria_id, text=found.text, absent_because=found.absent_because,
                origin="imported", by=self.options.by,
            )  # fmt: skip
            self.outcomes["added" if known is None else "changed"] += 1
            self.personal.append((question_id, "response", found.text or ""))
        self.outcomes["absent"] += found.text is None
        if found.score is not None:
            self._write_score(Key(response_id, self.rater_id, criteria_id, 1), found.score)

    def _criteria_asked(self, question_id: int, found: GivenResponse) -> int:
        """The active version, or the newest one that holds the text that was asked."""
        active = criteria.active_version(self.store, self.study_id, question_id)
        if found.question_text in (None, active.criteria.question_text):
            return active.id
        for version in reversed(criteria.versions(self.store, question_id)):
            if version.criteria.question_text == found.question_text:
                return version.id
        raise BrokenFile("another_question", file=self.path.name, key=str(found.key))

    def _ensure_judge(self) -> None:
        judge = ensure_imported_judge(
            self.store, self.study_id, self.options.judge, by=self.options.by
        )
        empty = judges.active_prompts(self.store, self.study_id, judge.id)[0]
        self.rater_id = judges.ensure_rater(self.store, judge.configuration_id, empty.id)

    def _write_score(self, key: Key, score: GivenScore) -> None:
        self.outcomes["scored" if score.value is not None else "unscored"] += 1
        last = assessments.last_assessment(self.store, key)
        if last is not None and last[:2] == (score.value, score.rationale):
            return
        given = Given(RELEASED, score.value, score.unscored_because, score.detail, score.rationale)
        attempt = 1 if last is None else last[2] + 1
        key = Key(key.response_id, key.rater_id, key.criteria_id, key.round, attempt)
        assessments.add_machine_assessments(self.store, [(key, given)], by=self.options.by)


def ensure_imported_judge(store: Store, study_id: int, name: str, *, by: str) -> Judge:
    """The judge that holds scores made elsewhere, taking part in the study with one round.

    Raises:
        Refused: `judge_name_taken` where the name is a judge of another kind.
    """
    judge = judges.judge_named(store, name)
    if judge is None:
        configuration = judges.ensure_configuration(store, _IMPORTED, name, {})
        judges.add_judge(store, name, configuration, RELEASED.name, by=by)
        judge = judges.judge_named(store, name)
    assert judge is not None
    if judge.engine != _IMPORTED:
        raise Refused("judge_name_taken", name=name)
    if judges.plan_rounds(store, study_id, judge.id) is None:
        empty = judges.ensure_prompt(
            store, judges.ANY, judges.ANY, "", reason="reads no prompt", by=by
        )
        judges.activate_prompt(
            store,
            study_id,
            judge,
            judges.prompt_by_id(store, empty),
            reason=_IMPORTED,
            by=by,
        )
        judges.add_plan(store, study_id, judge.id, 1, by=by)
    return judge


def import_scores(
    store: Store,
    path: Path,
    *,
    dataset: str,
    phase: ClaimedPhase,
    by: str,
    is_illustrative: bool = False,
) -> Imported:
    """Import physicians' 1-5 scores from a table.

    A score that the physician has given already is left alone; another becomes a correction.

    Args:
        phase: what to take a row's phase for where the row states none.

    Raises:
        BrokenFile: nothing was written; also for an unknown question, model or response, and for
            a score outside 1-5.
        UnknownName: `unknown_dataset`.
    """
    found = rows.read_scores(path)
    with store.writing():
        known = dataset_named(store, dataset)
        study_id = study_rows.studies_of_dataset(store, known.id)[0]
        outcomes: Counter[str] = Counter()
        for score in found:
            response_id, question_id = _response_of(
                store, known, score, study_id=study_id, file=path.name
            )
            person = people.ensure_person(store, score.physician, is_illustrative=is_illustrative)
            rater_id = judges.ensure_person_rater(store, person.id)
            version = criteria.active_version(store, study_id, question_id)
            if not ONE_TO_FIVE.holds(score.score):
                raise BrokenFile(
                    "score_outside",
                    file=path.name,
                    key=str(score.key),
                    score=score.score,
                )
            given = Given(ONE_TO_FIVE, score.score, None, "", score.comment, score.safety_risk)
            last = reviews.last_score(store, person.id, response_id)
            if last == LastScore(score.score, score.comment, score.safety_risk):
                outcomes["unchanged"] += 1
                continue
            assessments.add_human_assessment(
                store, response_id, rater_id, version.id, given,
                claimed_phase=score.phase or phase, reason=f"imported from {path.name}", by=by,
            )  # fmt: skip
            outcomes["added" if last is None else "changed"] += 1
        if outcomes["added"] or outcomes["changed"]:
            _add_run(store, known.id, "scores", path, by)
    return Imported(
        dataset, outcomes["added"], outcomes["changed"], outcomes["unchanged"],
        0, 0, len(found), 0, {},
    )  # fmt: skip


def personal_data(store: Store, dataset: str) -> list[tuple[str, str, str, int, int]]:
    """Places that looked like personal data at import: key, field, kind, start, length.

    Raises:
        UnknownName: `unknown_dataset`.
    """
    return datasets.findings_listed(store, dataset_named(store, dataset).id)


def _response_of(
    store: Store, dataset: Dataset, score: GivenHumanScore, *, study_id: int, file: str
) -> tuple[int, int]:
    """Ids of the response that a row scores, and of its question."""
    question = questions.question_by_key(store, dataset.id, str(score.key))
    if question is None:
        raise BrokenFile("unknown_question", file=file, key=str(score.key), dataset=dataset.name)
    model_id = responses.model_id_of(store, score.model)
    if model_id is None:
        known = ", ".join(label for _, label in responses.models_of_study(store, study_id))
        raise UnknownName("unknown_model", name=score.model, known=known or "–")
    found = responses.response_to(store, question.id, model_id, score.sample)
    if found is None or found.text is None:
        raise BrokenFile(
            "no_such_response", file=file, key=str(score.key), model=score.model,
            sample=score.sample,
        )  # fmt: skip
    return found.id, question.id


def _add_run(store: Store, dataset_id: int, kind: str, path: Path, by: str) -> int:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return datasets.add_import_run(store, dataset_id, kind, path.name, digest, by=by)


def _note_personal_data(
    store: Store, run: int, texts: Iterable[tuple[int, str, str]]
) -> Counter[str]:
    found = [
        (run, question_id, field, place.kind, place.start, place.length)
        for question_id, field, text in texts
        for place in findings(text)
    ]
    datasets.add_findings(store, found)
    return Counter(kind for _, _, _, kind, _, _ in found)

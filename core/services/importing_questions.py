"""Importing a benchmark: its questions, in versions where their texts change."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.questions import language_of
from core.errors import Refused
from core.formats import llmeval_med
from core.formats.base import BenchmarkQuestion
from core.services.enrolling import close_illustrative_accounts
from core.services.importing import Imported, add_run, note_personal_data
from core.services.permitting import require
from core.store import criteria, datasets, questions
from core.store import studies as study_rows
from core.store.database import Store
from core.store.studies import Reveal

_FORMAT = "llmeval-med"


@dataclass(frozen=True, slots=True)
class QuestionImport:
    """How a benchmark is to be imported."""

    name: str
    by: str
    reason: str = ""
    may_leave: bool = False
    is_illustrative: bool = False
    reveal: Reveal = "batch_done"
    format: str = _FORMAT


def import_questions(store: Store, path: Path, options: QuestionImport) -> Imported:
    """Import an LLMEval-Med file, as a new dataset with its study or over an existing one.

    Questions whose record did not change are left alone. Changed text becomes a new version of
    the criteria, active unless somebody had revised the question here. Nothing is removed.

    Raises:
        BrokenFile: nothing was written.
        Refused: `needs_name`.
    """
    require(store, "lead")
    if not options.name.strip():
        raise Refused("needs_name")
    return keep_questions(store, path, options, llmeval_med.read_questions(path))


def keep_questions(
    store: Store, path: Path, options: QuestionImport, found: Sequence[BenchmarkQuestion]
) -> Imported:
    """Write the questions that were read from a file, as `import_questions` does."""
    require(store, "lead")
    with store.writing():
        done = _QuestionWriter(store, options, path).write(found)
        dataset = datasets.dataset_named(store, options.name)
        if dataset is not None and not dataset.is_illustrative:
            close_illustrative_accounts(store, reason="a real dataset was imported", by=options.by)
        return done


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
        for question in found:
            key = str(question.key)
            if key not in ids:
                self._add(dataset_id, question, len(ids) + outcomes["added"])
                outcomes["added"] += 1
            elif records[key] == question.record:
                outcomes["unchanged"] += 1
            else:
                self._change(ids[key], question, records[key])
                outcomes["changed"] += 1
        personal: Counter[str] = Counter()
        if outcomes["added"] or outcomes["changed"]:
            run = add_run(self.store, dataset_id, "questions", self.path, self.options.by)
            personal = note_personal_data(self.store, run, self.personal)
        missing = len(ids) - outcomes["changed"] - outcomes["unchanged"]
        return Imported(
            self.options.name, outcomes["added"], outcomes["changed"], outcomes["unchanged"],
            missing, self.kept_revised, 0, 0, dict(personal),
        )  # fmt: skip

    def _ensure_dataset(self) -> int:
        store, options = self.store, self.options
        known = datasets.dataset_named(store, options.name)
        if known is not None:
            if options.may_leave and known.marking == "local":
                datasets.add_marking(
                    store, known.id, "may_leave", reason=self.reason, by=options.by
                )
            return known.id
        dataset_id = datasets.add_dataset(
            store,
            options.name,
            options.format,
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

"""Importing a benchmark: its questions, in versions where their texts change."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.domain.closed import NO_STRATA
from core.domain.criteria import Criteria
from core.domain.questions import language_of
from core.errors import BrokenFile, Refused
from core.formats import catalogue, llmeval_med
from core.formats.base import BenchmarkQuestion
from core.formats.broken import Broken
from core.formats.declaring import Format, read_benchmark
from core.services.enrolling import close_illustrative_accounts
from core.services.importing import Imported, add_run, note_personal_data
from core.services.naming import study_named
from core.services.permitting import require
from core.services.supplying import ensure_prompts
from core.store import criteria, datasets, exercises, questions
from core.store import studies as study_rows
from core.store.database import Store
from core.store.exercises import NewQuestion
from core.store.studies import Reveal

_FORMAT = "llmeval-med"
#: Questions that are written between two reports of progress.
_AT_ONCE = 1_000
#: Told how many questions of how many are written.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class QuestionImport:
    """How a benchmark is to be imported.

    Attributes:
        study: an existing study that is to look at it; '' for one of its own.
        progress: told how many questions of how many are written.
    """

    name: str
    by: str
    reason: str = ""
    may_leave: bool = False
    is_illustrative: bool = False
    reveal: Reveal = "batch_done"
    format: str = _FORMAT
    study: str = ""
    progress: Progress | None = None


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


def import_benchmark(
    store: Store, path: Path, format_: Format, options: QuestionImport
) -> Imported:
    """Import a file of a declared format, as `import_questions` does.

    Raises:
        BrokenFile: nothing was written.
        Refused: `needs_name`.
        UnknownName: `unknown_study`.
    """
    require(store, "lead")
    if not options.name.strip():
        raise Refused("needs_name")
    options = replace(options, format=format_.name)
    return keep_questions(store, path, options, read_benchmark(path, format_))


def keep_questions(
    store: Store, path: Path, options: QuestionImport, found: Sequence[BenchmarkQuestion]
) -> Imported:
    """Write the questions that were read from a file, as `import_questions` does."""
    require(store, "lead")
    with store.writing():
        done = _QuestionWriter(store, options, path).write(found)
        ensure_prompts(store)
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
        self.personal: Counter[str] = Counter()
        self.kept_revised = 0

    def write(self, found: Sequence[BenchmarkQuestion]) -> Imported:
        dataset_id = self._ensure_dataset()
        self.studies = study_rows.studies_of_dataset(self.store, dataset_id)
        ids = questions.question_ids(self.store, dataset_id)
        records = questions.records(self.store, dataset_id) if ids else {}
        new = [one for one in found if str(one.key) not in ids]
        known = [one for one in found if str(one.key) in ids]
        changed = [one for one in known if records[str(one.key)] != one.record]
        if new or changed:
            self.run = add_run(self.store, dataset_id, "questions", self.path, self.options.by)
            self._add(dataset_id, new, len(ids))
            self._change_all(dataset_id, ids, changed, records)
        return Imported(
            self.options.name, len(new), len(changed), len(known) - len(changed),
            len(ids) - len(known), self.kept_revised, 0, 0, dict(self.personal),
            sum(_is_unrecognised(one.criteria) for one in found),
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
        if options.study:
            study_id = study_named(store, options.study).id
        else:
            study_id = study_rows.add_study(
                store, options.name, reveal=options.reveal, by=options.by
            )
        study_rows.add_dataset_to_study(store, study_id, dataset_id)
        return dataset_id

    def _add(self, dataset_id: int, new: Sequence[BenchmarkQuestion], known: int) -> None:
        """Write new questions many at a time, after the `known` ones."""
        for start in range(0, len(new), _AT_ONCE):
            some = new[start : start + _AT_ONCE]
            rows = [
                NewQuestion(
                    one.key, language_of(one.criteria.question_text + one.criteria.checklist),
                    position, one.record, one.category2, one.scene, one.difficulty, one.strata,
                    one.criteria, one.closed,
                )
                for position, one in enumerate(some, known + start)
            ]  # fmt: skip
            ids = exercises.add_questions(
                self.store, dataset_id, self.studies, rows, reason=self.reason, by=self.options.by
            )
            self._note_personal(zip(ids, some, strict=True))
            if self.options.progress is not None:
                self.options.progress(start + len(some), len(new))

    def _change_all(
        self, dataset_id: int, ids: Mapping[str, int], changed: Sequence[BenchmarkQuestion],
        records: Mapping[str, str],
    ) -> None:  # fmt: skip
        if not changed:
            return
        known = datasets.dataset_by_id(self.store, dataset_id)
        kinds = exercises.kinds(self.store, dataset_id)
        broken = Broken(self.path.name)
        for one in changed:
            key = str(one.key)
            if (kinds[key] == "closed") != (one.closed is not None):
                broken.add(BrokenFile("another_kind", file=self.path.name, where=key, key=key))
        broken.refuse()
        for one in changed:
            self._change(ids[str(one.key)], one, known.format, records[str(one.key)])
        self._note_personal((ids[str(one.key)], one) for one in changed)

    def _change(
        self, question_id: int, found: BenchmarkQuestion, format_: str, old_record: str
    ) -> None:
        old = catalogue.criteria_of_record(format_, old_record)
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
        record_id = questions.add_record(
            self.store, question_id, found.record,
            category2=found.category2, scene=found.scene, difficulty=found.difficulty,
            by=self.options.by,
        )  # fmt: skip
        if found.strata != NO_STRATA:
            exercises.add_strata(self.store, record_id, found.strata)
        criteria_id = criteria.ensure_version(
            self.store, question_id, found.criteria, reason=self.reason, by=self.options.by
        )
        if found.closed is not None:
            exercises.add_closed(self.store, criteria_id, found.closed)
        return criteria_id

    def _note_personal(self, found: Iterable[tuple[int, BenchmarkQuestion]]) -> None:
        texts = [
            (question_id, field, text)
            for question_id, one in found
            for field, text in (
                ("question", one.criteria.question_text),
                ("reference_answer", one.criteria.reference_answer),
                ("checklist", one.criteria.checklist),
            )
            if text
        ]
        self.personal += note_personal_data(self.store, self.run, texts)


def _is_unrecognised(found: Criteria) -> bool:
    return bool(found.checklist.strip()) and not found.requirements

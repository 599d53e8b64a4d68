"""Importing a table with any column names: questions, responses and scores in one go."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.domain.closed import NO_STRATA
from core.domain.criteria import Criteria
from core.domain.questions import QuestionKey
from core.domain.scales import ONE_TO_FIVE, Scale
from core.domain.table_fields import check_mapping
from core.errors import BrokenFile, Refused
from core.formats.base import BenchmarkQuestion
from core.formats.llmeval_med import CATEGORY_CODES, DIFFICULTIES, criteria_of_record
from core.formats.table_rows import (
    Content,
    Kind,
    Phase,
    Reading,
    TableQuestion,
    TableScore,
    content_of,
)
from core.formats.tables import Problem, Table, read_table
from core.services.exporting_tables import has_apostrophes
from core.services.importing import add_run, note_personal_data
from core.services.importing_questions import QuestionImport, keep_questions
from core.services.importing_responses import ensure_imported_judge
from core.services.naming import dataset_named, study_of_dataset
from core.services.permitting import require
from core.store import (
    assessments,
    criteria,
    datasets,
    human_scores,
    judges,
    people,
    questions,
    responses,
)
from core.store import tables as stored
from core.store.assessments import Given, Key
from core.store.database import Store
from core.store.tables import KnownResponse, KnownScore

_CATEGORY_NAMES = {code: name for name, code in CATEGORY_CODES.items()}


@dataclass(frozen=True, slots=True)
class TableImport:
    """How a table is to be imported.

    Attributes:
        name: the dataset, made if it is new.
        mapping: field of each column (see `core.domain.table_fields`).
        model: whose responses they are where no column says so.
        judge_scale: None for the same as the physicians'.
        phase: what a physician's score counts as where its row does not say.
    """

    name: str
    by: str
    mapping: Mapping[str, str]
    model: str = ""
    scale: Scale = ONE_TO_FIVE
    judge_scale: Scale | None = None
    phase: Phase = "unknown"
    reason: str = ""
    may_leave: bool = False


@dataclass(frozen=True, slots=True)
class TableReading:
    """A table and what it says, before anything is written."""

    table: Table
    content: Content

    @property
    def problems(self) -> list[Problem]:
        """Every row that can't be read, and why."""
        return self.content.problems

    def counts(self) -> dict[str, int]:
        """How much of what there is to import."""
        scores = self.content.scores
        return {
            "rows": len(self.table.rows),
            "questions": len(self.content.questions),
            "responses": len(self.content.responses),
            "judge_scores": sum(one.kind == "judge" for one in scores),
            "physician_scores": sum(one.kind == "physician" for one in scores),
            "unscored": sum(one.value is None for one in scores),
            "history": self.content.history,
            "problems": len(self.problems),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many were new, became another version or attempt, or were there already."""

    added: int
    changed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class TableImported:
    """What an import did.

    Attributes:
        unscored: of the scores in the file, those that are missing, with a reason.
        history: rows left out because they say that they are not current.
        personal: how many places look like personal data, by kind.
    """

    dataset: str
    questions: Outcome
    responses: Outcome
    judge_scores: Outcome
    physician_scores: Outcome
    unscored: int
    history: int
    personal: dict[str, int]


def read_for_import(table: Table, options: TableImport) -> TableReading:
    """Read all rows of a table and find everything that can't be read; nothing is written.

    Raises:
        Refused, UnknownName: as `core.domain.table_fields.check_mapping`.
    """
    check_mapping(options.mapping, table.columns)
    reading = Reading(
        options.mapping, options.model.strip(), options.scale,
        options.judge_scale or options.scale, options.phase,
    )  # fmt: skip
    return TableReading(table, content_of(table, reading, has_apostrophes=has_apostrophes(table)))


def import_table(store: Store, path: Path, options: TableImport) -> TableImported:
    """Import a table; what is there already is left alone, what differs becomes a correction.

    A question's text that changed becomes a new version, a response's a new attempt, a score a
    new attempt with a reason. A physician's empty cell says nothing; a judge's is unscored.

    Raises:
        BrokenFile: `unreadable_rows` or as `read_table`; nothing was written.
        Refused: `needs_name`, `judge_name_taken`, `judge_on_another_scale`.
    """
    require(store, "lead")
    return keep_table(store, path, options, read_for_import(read_table(path), options))


def keep_table(
    store: Store, path: Path, options: TableImport, reading: TableReading
) -> TableImported:
    """Write what `read_for_import` has read.

    Raises:
        BrokenFile, Refused: as `import_table`.
    """
    require(store, "lead")
    if not options.name.strip():
        raise Refused("needs_name")
    refuse_problems(reading)
    with store.writing():
        return _TableWriter(store, path, options, reading.content).write()


def refuse_problems(reading: TableReading) -> None:
    """Refuse a table with rows that can't be read.

    Raises:
        BrokenFile: `unreadable_rows`.
    """
    if reading.problems:
        n, first = len(reading.problems), reading.problems[0]
        raise BrokenFile("unreadable_rows", file=reading.table.file, n=n, line=first.line)


class _TableWriter:
    """One import of a table, inside one transaction."""

    def __init__(self, store: Store, path: Path, options: TableImport, content: Content) -> None:
        self.store = store
        self.path = path
        self.options = options
        self.content = content
        self.reason = options.reason or f"imported from {path.name}"
        self.has_texts = bool(
            {"question", "reference", "checklist"} & set(options.mapping.values())
        )
        self.outcomes: dict[str, Counter[str]] = defaultdict(Counter)
        self.response_ids: dict[tuple[QuestionKey, str, int], int] = {}
        self.criteria_ids: dict[QuestionKey, int] = {}

    def write(self) -> TableImported:
        """Questions, then responses, then scores."""
        personal = self._write_questions()
        self.dataset = dataset_named(self.store, self.options.name)
        self.study = study_of_dataset(self.store, self.options.name)
        self.question_ids = questions.question_ids(self.store, self.dataset.id)
        self._find_criteria()
        personal += self._write_responses()
        self._write_scores()
        unscored = sum(score.value is None for score in self.content.scores)
        outcomes = {
            name: Outcome(counts["added"], counts["changed"], counts["unchanged"])
            for name in ("questions", "responses", "judge", "physician")
            for counts in [self.outcomes[name]]
        }
        return TableImported(
            self.options.name, outcomes["questions"], outcomes["responses"], outcomes["judge"],
            outcomes["physician"], unscored, self.content.history, dict(personal),
        )  # fmt: skip

    # --- questions --------------------------------------------------------------------------

    def _write_questions(self) -> Counter[str]:
        known = datasets.dataset_named(self.store, self.options.name)
        records = questions.records(self.store, known.id) if known else {}
        found = [
            self._question(key, question, records.get(str(key)))
            for key, question in self.content.questions.items()
        ]
        options = QuestionImport(
            self.options.name, self.options.by, self.reason, self.options.may_leave,
            format="table",
        )  # fmt: skip
        done = keep_questions(self.store, self.path, options, found)
        self.outcomes["questions"].update(
            added=done.added, changed=done.changed, unchanged=done.unchanged
        )
        return Counter(done.personal)

    def _question(
        self, key: QuestionKey, question: TableQuestion, record: str | None
    ) -> BenchmarkQuestion:
        """The question as the table gives it; what it does not give stays as it was."""
        old = criteria_of_record(record) if record else Criteria("", "", "")
        texts = question.texts
        found = Criteria(
            texts.get("question", old.question_text),
            texts.get("reference", old.reference_answer),
            texts.get("checklist", old.checklist),
        )
        before: dict[str, Any] = json.loads(record) if record else self._new_record(key)
        exam = _exam_of(question)
        if record is None or found != old or exam != {one: before.get(one) for one in exam}:
            before |= {
                "problem": found.question_text,
                "sanswer": found.reference_answer,
                "checklist": found.checklist,
                **exam,
            }
            record = json.dumps(before, ensure_ascii=True)
        return BenchmarkQuestion(
            key, found, str(before.get("category2") or ""), str(before.get("scene") or ""),
            DIFFICULTIES.get(str(before.get("difficulty")), ""), record, question.strata,
            question.closed,
        )  # fmt: skip

    def _new_record(self, key: QuestionKey) -> dict[str, Any]:
        return {
            "category1": _CATEGORY_NAMES.get(key.category, key.category),
            "round": key.turn,
            "groupCode": int(key.group) if key.group.isdecimal() else key.group,
        }

    def _find_criteria(self) -> None:
        """The version that each question of the table has: its own texts, or the active one."""
        active = stored.active_criteria_ids(self.store, self.study.id, self.dataset.id)
        records = questions.records(self.store, self.dataset.id) if self.has_texts else {}
        for key in self.content.questions:
            question_id = self.question_ids[str(key)]
            found = None
            if self.has_texts:
                texts = criteria_of_record(records[str(key)])
                found = criteria.version_with(self.store, question_id, texts.content_hash)
            self.criteria_ids[key] = found or active[question_id]

    # --- responses --------------------------------------------------------------------------

    def _write_responses(self) -> Counter[str]:
        known = stored.known_responses(self.store, self.dataset.id)
        models = {
            model: responses.ensure_model(self.store, model)
            for model in {found.model for found in self.content.responses.values()}
        }
        personal = []
        for identity, found in self.content.responses.items():
            question_id = self.question_ids[str(found.key)]
            last = known.get((question_id, found.model, found.sample))
            if last is not None and self._is_same(last, found.text, found.absent_because):
                self.outcomes["responses"]["unchanged"] += 1
                self.response_ids[identity] = last.id
                continue
            attempt = 1 if last is None else last.attempt + 1
            self.response_ids[identity] = responses.add_response(
                self.store, (question_id, models[found.model], found.sample, attempt),
                criteria_id=self.criteria_ids[found.key], text=found.text,
                absent_because=None if found.text else found.absent_because,
                origin="imported", by=self.options.by,
            )  # fmt: skip
            self.outcomes["responses"]["added" if last is None else "changed"] += 1
            personal.append((question_id, "response", found.text or ""))
        if not personal:
            return Counter()
        run = add_run(self.store, self.dataset.id, "responses", self.path, self.options.by)
        return note_personal_data(self.store, run, personal)

    def _is_same(self, last: KnownResponse, text: str | None, absent_because: str) -> bool:
        """Whether the table says of a response what is known, or says nothing of it."""
        if "response" not in self.options.mapping.values():
            return True
        return last.text == text if text else last.text is None

    # --- scores -----------------------------------------------------------------------------

    def _write_scores(self) -> None:
        by_rater: dict[tuple[Kind, str], list[TableScore]] = defaultdict(list)
        for score in self.content.scores:
            by_rater[score.kind, score.rater].append(score)
        for (kind, name), scores in by_rater.items():
            scales = {score.scale: stored.ensure_scale(self.store, score.scale) for score in scores}
            if kind == "judge":
                rater_id = self._judge(name, scales[scores[0].scale], scores)
            else:
                person = people.ensure_person(self.store, name)
                rater_id = judges.ensure_person_rater(self.store, person.id)
            self._write_scores_of(rater_id, scores, scales)
        counts = self.outcomes["judge"] + self.outcomes["physician"]
        if counts["added"] or counts["changed"]:
            add_run(self.store, self.dataset.id, "scores", self.path, self.options.by)

    def _judge(self, name: str, scale: Scale, scores: list[TableScore]) -> int:
        """The rater of an imported judge, with as many rounds as the table has."""
        by = self.options.by
        judge = ensure_imported_judge(self.store, self.study.id, name, by=by, scale=scale)
        rounds = max(score.round for score in scores)
        if rounds > (judges.plan_rounds(self.store, self.study.id, judge.id) or 0):
            judges.add_plan(self.store, self.study.id, judge.id, rounds, by=by)
        empty = judges.active_prompts(self.store, self.study.id, judge.id)[0]
        return judges.ensure_rater(self.store, judge.configuration_id, empty.id)

    def _write_scores_of(
        self, rater_id: int, scores: list[TableScore], scales: Mapping[Scale, Scale]
    ) -> None:
        known = stored.known_scores(self.store, self.dataset.id, rater_id)
        attempts: dict[tuple[int, int], list[TableScore]] = defaultdict(list)
        for score in sorted(scores, key=lambda score: score.attempt):
            response_id = self.response_ids[score.key, score.model, score.sample]
            attempts[response_id, score.round].append(score)
        for (response_id, number), given in attempts.items():
            criteria_id = self.criteria_ids[given[0].key]
            is_judge = given[0].kind == "judge"
            before = known.get((response_id, number), [])
            if is_judge and self.has_texts:
                before = [score for score in before if score.criteria_id == criteria_id]
            new = self._new(before, given)
            state = "unchanged" if not new else "changed" if before else "added"
            self.outcomes[given[0].kind][state] += 1
            for score in new:
                self._write_score(rater_id, response_id, score, scales[score.scale], before)
                before = [*before, _known(score, criteria_id, before)]

    def _new(self, before: list[KnownScore], given: list[TableScore]) -> list[TableScore]:
        """Nothing is new if the table says what stands last, or what was imported last."""
        with_comments = "comment" in self.options.mapping.values()
        imported = [score for score in before if not score.is_given_here]
        if not _unknown(imported, given, with_comments=with_comments):
            return []
        return _unknown(before, given, with_comments=with_comments)

    def _write_score(
        self, rater_id: int, response_id: int, score: TableScore, scale: Scale,
        before: list[KnownScore],
    ) -> None:  # fmt: skip
        criteria_id = self.criteria_ids[score.key]
        given = Given(scale, score.value, score.because, "", score.comment)
        if score.kind == "physician":
            human_scores.add_human_assessment(
                self.store, response_id, rater_id, criteria_id, given,
                claimed_phase=score.phase, reason=self.reason, by=self.options.by,
            )  # fmt: skip
            return
        attempt = _known(score, criteria_id, before).attempt
        key = Key(response_id, rater_id, criteria_id, score.round, attempt)
        assessments.add_machine_assessments(
            self.store, [(key, given)], by=self.options.by, reason=self.reason
        )


def _exam_of(question: TableQuestion) -> dict[str, Any]:
    """What a table says of an exercise, as its record keeps it."""
    found: dict[str, Any] = {}
    if question.strata != NO_STRATA:
        found |= asdict(question.strata)
    if question.closed is not None:
        found |= {"options": dict(question.closed.options), "right": question.closed.right}
    return found


def _unknown(
    known: list[KnownScore], given: list[TableScore], *, with_comments: bool
) -> list[TableScore]:
    """Of a rater's attempts in a table those that the database lacks."""
    before = [(one.value, one.unscored_because, with_comments and one.comment) for one in known]
    told = [(one.value, one.because, with_comments and one.comment) for one in given]
    if before[-len(told) :] == told or (len(told) > 1 and before[: len(told)] == told):
        return []
    if len(before) < len(told) and told[: len(before)] == before:
        return given[len(before) :]
    return given


def _known(score: TableScore, criteria_id: int, before: list[KnownScore]) -> KnownScore:
    attempts = [one.attempt for one in before if one.criteria_id == criteria_id]
    return KnownScore(
        criteria_id, max(attempts, default=0) + 1, score.value, score.because, score.comment,
        is_given_here=False,
    )  # fmt: skip

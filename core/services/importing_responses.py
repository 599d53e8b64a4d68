"""Importing responses that were made elsewhere, with the released scores that came with them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.scales import RELEASED, Scale
from core.errors import BrokenFile, Refused
from core.formats import llmeval_med, rows
from core.formats.base import GivenResponse, GivenScore
from core.formats.broken import Broken
from core.services.importing import Imported, add_run, note_personal_data
from core.services.naming import dataset_named
from core.services.permitting import require
from core.store import assessments, criteria, judges, questions, responses
from core.store import studies as study_rows
from core.store.assessments import Given, Key
from core.store.database import Store
from core.store.judges import Judge

_IMPORTED = "imported"


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
    require(store, "lead")
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
        broken = Broken(self.path.name)
        broken.each(found, self._write_one)
        broken.refuse()
        counts = self.outcomes
        personal: Counter[str] = Counter()
        if counts["added"] or counts["changed"] or counts["scored"] or counts["unscored"]:
            run = add_run(self.store, self.dataset.id, "responses", self.path, self.options.by)
            personal = note_personal_data(self.store, run, self.personal)
        return Imported(
            self.dataset.name, counts["added"], counts["changed"], counts["unchanged"],
            counts["absent"], 0, counts["scored"], counts["unscored"], dict(personal),
        )  # fmt: skip

    def _refuse_repeats(self, found: Iterable[GivenResponse]) -> None:
        broken, file = Broken(self.path.name), self.path.name
        seen = set()
        for response in found:
            key, identity = (
                str(response.key),
                (response.key, response.sample or self.options.sample),
            )
            if identity in seen:
                broken.add(BrokenFile("repeated_key", file=file, where=response.where, key=key))
            elif key not in self.ids:
                broken.add(
                    BrokenFile(
                        "unknown_question", file=file, where=response.where, key=key,
                        dataset=self.dataset.name,
                    )
                )  # fmt: skip
            seen.add(identity)
        broken.refuse()

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
        raise BrokenFile(
            "another_question", file=self.path.name, where=found.where, key=str(found.key)
        )

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


def ensure_imported_judge(
    store: Store, study_id: int, name: str, *, by: str, scale: Scale = RELEASED
) -> Judge:
    """The judge that holds scores made elsewhere, taking part in the study with one round.

    Raises:
        Refused: `judge_name_taken` where the name is a judge of another kind;
            `judge_on_another_scale`.
    """
    require(store, "lead")
    judge = judges.judge_named(store, name)
    if judge is None:
        configuration = judges.ensure_configuration(store, _IMPORTED, name, {})
        judges.add_judge(store, name, configuration, scale.name, by=by)
        judge = judges.judge_named(store, name)
    assert judge is not None
    if judge.engine != _IMPORTED:
        raise Refused("judge_name_taken", name=name)
    if judge.scale != scale:
        raise Refused(
            "judge_on_another_scale", name=name, minimum=judge.scale.minimum,
            maximum=judge.scale.maximum, usable=judge.scale.usable_from,
        )  # fmt: skip
    if judges.plan_rounds(store, study_id, judge.id) is None:
        empty = judges.ensure_prompt(
            store, judges.ANY, judges.ANY, "", reason="reads no prompt", by=by
        )
        judges.activate_prompt(
            store,
            study_id,
            judge,
            judges.prompt_by_id(store, empty),
            reason="imported",
            by=by,
        )
        judges.add_plan(store, study_id, judge.id, 1, by=by)
    return judge

"""Which questions and prompts to revise first, by how a judge differs on what revisers see."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.services.agreeing import Case, cases_of
from core.services.permitting import require
from core.services.sealing import Seals, seals_of
from core.store import differences, questions
from core.store.database import Store
from core.store.differences import Cause
from core.store.judges import Judge
from core.store.questions import Question
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Entry:
    """A dev question on the worklist: how judge and physicians differ on what revisers see of it.

    Attributes:
        pending: responses that the version in use has not been judged on yet.
        unstable: responses whose judging rounds fall on both sides of usable.
        scored: responses that physicians scored and revisers see.
        check: scored responses that are held back to check what is revised.
        notes: physicians' comments on those that revisers see.
        causes: how often physicians gave each cause of a difference on them, under the version
            in use.
    """

    question: Question
    pending: int
    false_usable: int
    differ: int
    unstable: int
    scored: int
    check: int
    notes: int
    causes: Mapping[Cause, int]

    @property
    def key(self) -> str:
        """The question's key."""
        return self.question.key

    @property
    def harm(self) -> tuple[int, int, int, int, int, int]:
        """What the worklist is sorted by, the most first."""
        named = sum(self.causes.values())
        return (
            self.pending, self.false_usable, self.differ, self.unstable, named, self.notes,
        )  # fmt: skip


def worklist(
    store: Store, study: Study, cases: Sequence[Case], sealed: Seals, known: Sequence[Question]
) -> list[Entry]:
    """The dev questions: those to be judged again first, then by harm.

    Args:
        cases: the judge's on the study's responses.
        known: the study's questions.
    """
    require(store, "lead")
    by_question: dict[int, list[Case]] = defaultdict(list)
    for case in cases:
        by_question[case.question_id].append(case)
    causes = differences.causes_by_response(store, study.id)
    entries = [
        _entry(question, by_question.get(question.id, []), sealed, causes)
        for question in known
        if question.id not in sealed.held_out
    ]
    return sorted(entries, key=lambda one: one.harm, reverse=True)


@dataclass(frozen=True, slots=True)
class KindEntry:
    """One prompt on the worklist: how its judge differs on what revisers see of its questions."""

    category: str
    language: str
    false_usable: int
    differ: int
    scored: int


def prompt_worklist(store: Store, study: Study, judge: Judge, rounds: int) -> list[KindEntry]:
    """The categories and languages that a judge has a prompt for, the most harmful first."""
    require(store, "lead")
    sealed = seals_of(store, study)
    kinds = {
        one.id: (one.category, one.language)
        for one in questions.questions_of_study(store, study.id)
    }
    found: dict[tuple[str, str], list[Case]] = {kind: [] for kind in kinds.values()}
    for case in sealed.among(cases_of(store, study, judge, rounds), "revise"):
        found[kinds[case.question_id]].append(case)
    entries = [
        KindEntry(
            *kind, sum(case.is_false_usable for case in cases),
            sum(case.differs for case in cases), len(cases),
        )
        for kind, cases in found.items()
    ]  # fmt: skip
    return sorted(entries, key=lambda one: (-one.false_usable, -one.differ))


def _entry(
    question: Question,
    cases: Sequence[Case],
    sealed: Seals,
    causes: Mapping[int, Mapping[Cause, int]],
) -> Entry:
    if not cases:
        return Entry(question, 0, 0, 0, 0, 0, 0, 0, {})
    seen = [case for case in cases if not sealed.is_sealed(case)]
    named: Counter[Cause] = Counter()
    for case in seen:
        named.update(causes.get(case.response_id, {}))
    return Entry(
        question,
        sum(case.judge.unscored_because == "pending" for case in cases),
        sum(case.is_false_usable for case in seen),
        sum(case.differs for case in seen),
        sum(case.judge.is_unstable for case in seen),
        len(seen),
        len(cases) - len(seen),
        sum(bool(score.comment) for case in seen for score in case.scores),
        dict(named),
    )

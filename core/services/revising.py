"""Revising: changed criteria become a new version, and only what they touch is judged again."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.domain.criteria import Criteria
from core.errors import Refused, StaleRevision, UnknownName
from core.services.agreeing import Case, cases_of, cases_under
from core.services.ordering import order_again, queue_judging
from core.services.pairing import Pair, Paired, paired
from core.services.permitting import require
from core.services.sealing import Place, Seals, check_may_revise, seals_of
from core.store import assessments, criteria, differences, jobs, judges, questions
from core.store.assessments import Plan
from core.store.criteria import CriteriaVersion
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


def worklist(store: Store, study: Study, judge: Judge, rounds: int) -> list[Entry]:
    """The questions that may be revised: those to be judged again first, then by harm."""
    require(store, "lead")
    known = questions.questions_of_study(store, study.id)
    cases = cases_of(store, study, judge, rounds)
    return worklist_of(store, study, cases, seals_of(store, study), known)


def worklist_of(
    store: Store, study: Study, cases: Sequence[Case], sealed: Seals, known: Sequence[Question]
) -> list[Entry]:
    """As `worklist`, of cases and questions that were read already."""
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


def question_of_study(store: Store, study: Study, key: str) -> Question:
    """The question with that key.

    Raises:
        UnknownName: `unknown_question_key`.
    """
    for question in questions.questions_of_study(store, study.id):
        if question.key == key:
            return question
    raise UnknownName("unknown_question_key", key=key, dataset=study.name)


def revise(
    store: Store,
    study: Study,
    question: Question,
    revised: Criteria,
    *,
    based_on: int,
    reason: str,
    by: str,
) -> CriteriaVersion:
    """Store revised criteria and use them in the study from now on.

    Args:
        based_on: id of the version that was edited.

    Raises:
        Refused, StaleRevision: as `propose`.
    """
    require(store, "lead")
    with store.writing():
        proposed = propose(store, study, question, revised, based_on=based_on, reason=reason, by=by)
        criteria.activate(store, study.id, question.id, proposed.id, reason=reason, by=by)
        return proposed


def propose(
    store: Store,
    study: Study,
    question: Question,
    revised: Criteria,
    *,
    based_on: int,
    reason: str,
    by: str,
    newest: int | None = None,
) -> CriteriaVersion:
    """Store revised criteria as a version that nobody uses yet, to be tried and decided on.

    Args:
        based_on: id of the version in use that was edited.
        newest: number of the newest version that its author had seen; None where it does not
            matter.

    Raises:
        Refused: `needs_reason`, `nothing_changed`, `held_out_question`.
        StaleRevision: `stale_revision`, `newer_version`: somebody activated or stored another
            version in the meantime; nothing was written.
    """
    require(store, "lead")
    if not reason.strip():
        raise Refused("needs_reason")
    check_may_revise(store, study, question)
    with store.writing():
        active = criteria.active_version(store, study.id, question.id)
        if active.id != based_on:
            _, _, activated_by, _ = criteria.activations(store, study.id, question.id)[-1]
            raise StaleRevision(
                "stale_revision", key=question.key, version=active.version, by=activated_by
            )
        if active.criteria == revised:
            raise Refused("nothing_changed", key=question.key)
        last = criteria.versions(store, question.id)[-1]
        if newest is not None and last.version > newest:
            raise StaleRevision(
                "newer_version", key=question.key, version=last.version, by=last.created_by
            )
        criteria_id = criteria.ensure_version(store, question.id, revised, reason=reason, by=by)
        return criteria.criteria_by_id(store, criteria_id)


def revise_checklist(
    store: Store, study: Study, question: Question, checklist: str, *, reason: str, by: str
) -> CriteriaVersion:
    """Revise the checklist alone.

    Raises:
        Refused, StaleRevision: as `revise`.
    """
    require(store, "lead")
    active = criteria.active_version(store, study.id, question.id)
    revised = replace(active.criteria, checklist=checklist)
    return revise(store, study, question, revised, based_on=active.id, reason=reason, by=by)


def outstanding_for(store: Store, study: Study, judge: Judge, question: Question) -> int:
    """How many keys of a question this judge has not assessed with the active criteria."""
    require(store, "lead")
    return assessments.progress(store, _plan(store, study, judge, question)).outstanding


def rejudge(store: Store, study: Study, judge: Judge, question: Question, *, by: str) -> int:
    """Queue exactly a question's outstanding keys; the job's id.

    Raises:
        Refused: `cannot_rejudge` for a judge whose scores were imported; `nothing_outstanding`.
        ReleaseRequired: a local dataset would leave the machine.
    """
    require(store, "lead")
    if judge.engine == "imported":
        raise Refused("cannot_rejudge", judge=judge.name)
    if not outstanding_for(store, study, judge, question):
        raise Refused("nothing_outstanding", key=question.key)
    plan = _plan(store, study, judge, question)
    last = jobs.last_job_of(store, study.id, judge.id)
    order = order_again(judge, plan.rounds, last)
    return queue_judging(store, study, replace(order, question_ids=(question.id,)), by=by)


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """Agreement under an earlier version and under the active one, on the same responses.

    Attributes:
        revise: on what revisers see; `check`: on what is held back from them.
        pending: responses that the active version has not been judged on yet.
    """

    earlier: CriteriaVersion
    active: CriteriaVersion
    revise: Paired
    check: Paired
    pending: int


def before_after(
    store: Store, study: Study, judge: Judge, rounds: int, question: Question
) -> BeforeAfter | None:
    """Compare the active version with the one used before it; None where there was none.

    Both sides use the same physicians' scores, and only responses judged under both versions.
    """
    require(store, "lead")
    used = criteria.activations(store, study.id, question.id)
    active = criteria.active_version(store, study.id, question.id)
    previous = [criteria_id for criteria_id, *_ in used if criteria_id != active.id]
    if not previous:
        return None
    earlier = criteria.criteria_by_id(store, previous[-1])
    cases = cases_of(store, study, judge, rounds)
    now = [case for case in cases if case.question_id == question.id]
    old = cases_under(store, study, judge, rounds, criteria_ids=(earlier.id,))
    sealed = seals_of(store, study)
    return BeforeAfter(
        earlier,
        active,
        _paired_at(sealed, "revise", old, now),
        _paired_at(sealed, "check", old, now),
        sum(case.judge.unscored_because == "pending" for case in now),
    )


@dataclass(frozen=True, slots=True)
class AllRevisions:
    """Every revised dev question together, under its first version and under the active one.

    Attributes:
        questions: how many were revised.
        not_verifiable: of these, questions without a scored response that is held back.
    """

    questions: int
    not_verifiable: int
    revise: Paired
    check: Paired


def all_revisions(store: Store, study: Study, judge: Judge, rounds: int) -> AllRevisions | None:
    """Compare all revised questions at once: what was seen, and beside it what was held back.

    A checklist that was fitted to the answers seen looks better on them, and not on the others.
    """
    require(store, "lead")
    sealed = seals_of(store, study)
    first = {
        question_id: criteria_id
        for question_id, criteria_id in criteria.first_of_revised(store, study.id).items()
        if question_id not in sealed.held_out
    }
    if not first:
        return None
    now = [case for case in cases_of(store, study, judge, rounds) if case.question_id in first]
    old = cases_under(store, study, judge, rounds, criteria_ids=tuple(first.values()))
    held = {case.question_id for case in sealed.among(now, "check")}
    return AllRevisions(
        len(first),
        len(set(first) - held),
        _paired_at(sealed, "revise", old, now),
        _paired_at(sealed, "check", old, now),
    )


def _paired_at(sealed: Seals, place: Place, old: Sequence[Case], now: Sequence[Case]) -> Paired:
    before = {case.response_id: case for case in old}
    return paired(
        [
            Pair(before[case.response_id], case)
            for case in sealed.among(now, place)
            if case.response_id in before
        ]
    )


def _plan(store: Store, study: Study, judge: Judge, question: Question) -> Plan:
    rounds = judges.plan_rounds(store, study.id, judge.id)
    assert rounds is not None
    return Plan(study.id, judge.id, rounds, (question.id,))

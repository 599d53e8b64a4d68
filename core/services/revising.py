"""Revising: changed criteria become a new version, and only what they touch is judged again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.domain.criteria import Criteria
from core.errors import Refused, StaleRevision, UnknownName
from core.services.agreeing import Case, cases_of, cases_under, grouped
from core.services.comparing import Comparison, comparison_of
from core.services.judging import order_again, queue_judging
from core.services.permitting import require
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
    """A question on the worklist: how often judge and physicians differ on its responses.

    Attributes:
        causes: how often physicians gave each cause of a difference, under the active criteria.
    """

    question: Question
    pending: int
    false_usable: int
    differ: int
    scored: int
    causes: Mapping[Cause, int]

    @property
    def key(self) -> str:
        """The question's key."""
        return self.question.key


def worklist(store: Store, study: Study, judge: Judge, rounds: int) -> list[Entry]:
    """All questions of a study, those to be judged again first, then by harm."""
    require(store, "lead")
    cases = grouped(cases_of(store, study, judge, rounds), lambda case: case.question)
    causes = differences.cause_counts(store, study.id)
    entries = [
        Entry(
            question,
            sum(case.judge.unscored_because == "pending" for case in cases.get(question.key, ())),
            sum(case.is_false_usable for case in cases.get(question.key, ())),
            sum(case.differs for case in cases.get(question.key, ())),
            len(cases.get(question.key, ())),
            causes.get(question.id, {}),
        )
        for question in questions.questions_of_study(store, study.id)
    ]
    return sorted(entries, key=lambda one: (-one.pending, -one.false_usable, -one.differ))


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
        Refused: `needs_reason`, `nothing_changed`.
        StaleRevision: somebody activated another version in the meantime; nothing was written.
    """
    require(store, "lead")
    if not reason.strip():
        raise Refused("needs_reason")
    with store.writing():
        active = criteria.active_version(store, study.id, question.id)
        if active.id != based_on:
            _, _, activated_by, _ = criteria.activations(store, study.id, question.id)[-1]
            raise StaleRevision(
                "stale_revision", key=question.key, version=active.version, by=activated_by
            )
        if active.criteria == revised:
            raise Refused("nothing_changed", key=question.key)
        criteria_id = criteria.ensure_version(store, question.id, revised, reason=reason, by=by)
        criteria.activate(store, study.id, question.id, criteria_id, reason=reason, by=by)
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
        fixed: responses on which judge and physicians differed before and agree now.
        broken: responses on which they agreed before and differ now.
        pending: responses that the active version has not been judged on yet.
    """

    earlier: CriteriaVersion
    active: CriteriaVersion
    before: Comparison
    after: Comparison
    study_before: Comparison
    study_after: Comparison
    fixed: tuple[Case, ...]
    broken: tuple[Case, ...]
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
    now = {case.response_id: case for case in cases if case.question_id == question.id}
    old = {
        case.response_id: case
        for case in cases_under(store, study, judge, rounds, criteria_id=earlier.id)
    }
    both = [
        key
        for key in now
        if key in old and now[key].judge.usable is not None and old[key].judge.usable is not None
    ]
    others = [case for case in cases if case.question_id != question.id]
    before, after = [old[key] for key in both], [now[key] for key in both]
    return BeforeAfter(
        earlier, active,
        comparison_of(before, judge), comparison_of(after, judge),
        comparison_of([*others, *before], judge), comparison_of([*others, *after], judge),
        tuple(now[key] for key in both if old[key].differs and not now[key].differs),
        tuple(now[key] for key in both if now[key].differs and not old[key].differs),
        sum(case.judge.unscored_because == "pending" for case in now.values()),
    )  # fmt: skip


def _plan(store: Store, study: Study, judge: Judge, question: Question) -> Plan:
    rounds = judges.plan_rounds(store, study.id, judge.id)
    assert rounds is not None
    return Plan(study.id, judge.id, rounds, (question.id,))

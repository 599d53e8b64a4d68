"""Revising: changed criteria become a new version, and only what they touch is judged again."""

from dataclasses import replace

from core.domain.criteria import Criteria
from core.errors import Refused, StaleRevision
from core.services.ordering import order_again, queue_judging
from core.services.permitting import require
from core.services.sealing import check_may_revise
from core.store import assessments, criteria, jobs, judges
from core.store.assessments import Plan
from core.store.criteria import CriteriaVersion
from core.store.database import Store
from core.store.judges import Judge
from core.store.questions import Question
from core.store.studies import Study


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


def _plan(store: Store, study: Study, judge: Judge, question: Question) -> Plan:
    rounds = judges.plan_rounds(store, study.id, judge.id)
    assert rounds is not None
    return Plan(study.id, judge.id, rounds, (question.id,))

"""Deciding: a lead puts a candidate to use or rejects it, with a reason.

An activation, the adoption of the trial's verdicts and the job for what is still missing are one
transaction: after a kill there is all of it or nothing.
"""

from dataclasses import dataclass, replace

from core.errors import Refused
from core.services.estimating import Estimate, estimate_judging
from core.services.ordering import JudgeOrder, order_again, queue_judging
from core.services.permitting import require
from core.services.prompting import judges_that_read
from core.services.sealing import check_has_not_decided, check_may_revise
from core.services.testing import read_parts
from core.services.trying import Candidate
from core.store import adoptions, assessments, criteria, jobs, judges, questions, rejections
from core.store.assessments import Plan
from core.store.criteria import CriteriaVersion
from core.store.database import Store
from core.store.judges import Judge
from core.store.prompts import PromptVersion
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an activation asks for.

    Attributes:
        adopted: verdicts of trials that become the study's.
        missing: verdicts of this judge that are then outstanding on what the candidate touches.
        others: verdicts of other judges that are outstanding there, and are not queued.
        stale: responses that answered another wording of the question.
        estimate: what the missing ones would take; None for a judge that can't be asked, or
            never was: nobody knows how it is reached.
    """

    adopted: int
    missing: int
    others: int
    stale: int
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class Activated:
    """What an activation did; `job_id` is None where nothing is missing, or can be asked."""

    adopted: int
    missing: int
    job_id: int | None


def consequence_of(store: Store, study: Study, judge: Judge, candidate: Candidate) -> Consequence:
    """What activating a candidate would ask for; nothing is written."""
    require(store, "lead")
    with store.trying():
        _put_to_use(store, study, judge, candidate, reason="what if", by="nobody")
        adopted = _adopt(store, study, judge, candidate, by="nobody")
        missing = _missing(store, study, judge, candidate)
        others = sum(
            _missing(store, study, other, candidate)
            for other, _ in judges.judges_of_study(store, study.id)
            if other.id != judge.id and other.engine != "imported"
            and isinstance(candidate, CriteriaVersion)
        )  # fmt: skip
        estimate = None
        order = _order(store, study, judge, candidate)
        if missing and order is not None:
            estimate = estimate_judging(store, study, order, by="nobody")
    return Consequence(adopted, missing, others, stale_responses(store, candidate), estimate)


def stale_responses(store: Store, candidate: Candidate) -> int:
    """Current responses that answered another wording than the candidate's question text."""
    require(store, "lead")
    if not isinstance(candidate, CriteriaVersion):
        return 0
    return criteria.stale_responses(store, candidate.id)


def activate_candidate(
    store: Store,
    study: Study,
    judge: Judge,
    candidate: Candidate,
    *,
    reason: str,
    by: str,
    budget: float | None = None,
    is_asked: bool = True,
) -> Activated:
    """Use a candidate from now on, adopt what its trials judged, and queue exactly what is missing.

    Args:
        budget: the job ends before it costs more.
        is_asked: what is missing is queued now; else it stays outstanding.

    Raises:
        Refused: `needs_reason`, `candidate_in_use`, `held_out_question`,
            `adjudicated_held_out`, `reads_no_prompt`, `bad_budget`, `budget_needs_price`,
            `unfinished_job`.
        ReleaseRequired: a local dataset would leave the machine; nothing was written.
    """
    require(store, "lead")
    check_has_not_decided(store, study)
    if not reason.strip():
        raise Refused("needs_reason")
    with store.writing():
        if isinstance(candidate, PromptVersion):
            read_parts(store, study, judge, candidate.category, candidate.language, by=by)
        _put_to_use(store, study, judge, candidate, reason=reason, by=by)
        adopted = _adopt(store, study, judge, candidate, by=by)
        missing = _missing(store, study, judge, candidate)
        job_id = None
        order = _order(store, study, judge, candidate)
        if is_asked and missing and order is not None:
            job_id = queue_judging(store, study, replace(order, budget=budget), by=by)
        if isinstance(candidate, PromptVersion):
            read_parts(store, study, judge, candidate.category, candidate.language, by=by)
    return Activated(adopted, missing, job_id)


def reject_candidate(
    store: Store, study: Study, judge: Judge, candidate: Candidate, *, reason: str, by: str
) -> None:
    """Decide against a candidate; it stays in the history with the reason.

    Raises:
        Refused: `needs_reason`, `candidate_in_use`.
    """
    require(store, "lead")
    if not reason.strip():
        raise Refused("needs_reason")
    with store.writing():
        _check_not_in_use(store, study, judge, candidate)
        if isinstance(candidate, CriteriaVersion):
            rejections.add_rejection(
                store, study.id, criteria_id=candidate.id, reason=reason, by=by
            )
        else:
            rejections.add_rejection(
                store, study.id, judge_id=judge.id, judge_prompt_id=candidate.id,
                reason=reason, by=by,
            )  # fmt: skip


def _check_not_in_use(store: Store, study: Study, judge: Judge, candidate: Candidate) -> None:
    if isinstance(candidate, CriteriaVersion):
        active = criteria.active_version(store, study.id, candidate.question_id).id
        is_used = active == candidate.id
    else:
        serving = judges.active_prompts(store, study.id, judge.id)
        is_used = candidate.id in {one.id for one in serving}
    if is_used:
        raise Refused("candidate_in_use", version=candidate.version)


def _put_to_use(
    store: Store, study: Study, judge: Judge, candidate: Candidate, *, reason: str, by: str
) -> None:
    _check_not_in_use(store, study, judge, candidate)
    if isinstance(candidate, CriteriaVersion):
        question = questions.question_by_id(store, candidate.question_id)
        assert question is not None
        check_may_revise(store, study, question)
        criteria.activate(
            store, study.id, candidate.question_id, candidate.id, reason=reason, by=by
        )
        return
    if judge.id not in [known.id for known, _ in judges_that_read(store, study)]:
        raise Refused("reads_no_prompt", judge=judge.name)
    stored = judges.prompt_by_id(store, candidate.id)
    judges.activate_prompt(store, study.id, judge, stored, reason=reason, by=by)


def _adopt(store: Store, study: Study, judge: Judge, candidate: Candidate, *, by: str) -> int:
    """Adopt for every judge whose trials judged by what is in use now."""
    concerned = [judge]
    if isinstance(candidate, CriteriaVersion):
        concerned = [one for one, _ in judges.judges_of_study(store, study.id)]
    reason = "adopted from a trial"
    return sum(adoptions.adopt(store, study.id, one.id, reason=reason, by=by) for one in concerned)


def _touched(store: Store, study: Study, candidate: Candidate) -> tuple[int, ...]:
    """Ids of the questions that a candidate is about."""
    if isinstance(candidate, CriteriaVersion):
        return (candidate.question_id,)
    return tuple(
        one.id
        for one in questions.questions_of_study(store, study.id)
        if (one.category, one.language) == (candidate.category, candidate.language)
    )


def _missing(store: Store, study: Study, judge: Judge, candidate: Candidate) -> int:
    rounds = judges.plan_rounds(store, study.id, judge.id)
    assert rounds is not None
    plan = Plan(study.id, judge.id, rounds, _touched(store, study, candidate))
    return assessments.progress(store, plan).outstanding


def _order(store: Store, study: Study, judge: Judge, candidate: Candidate) -> JudgeOrder | None:
    """The order for what is missing; None for a judge that can't be asked, or never was."""
    rounds = judges.plan_rounds(store, study.id, judge.id)
    last = jobs.last_job_of(store, study.id, judge.id)
    if judge.engine == "imported" or last is None:
        return None
    questions_ = _touched(store, study, candidate)
    return replace(order_again(judge, rounds or 1, last), question_ids=questions_)

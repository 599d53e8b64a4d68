"""Trying: a candidate is judged on responses that physicians have scored, before it is used.

A trial's verdicts are of their own purpose and in no figure of the study, until an activation
adopts them. What the study, or another trial, has judged already is not asked for again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.domain.splitting import order_of
from core.errors import Refused
from core.services.agreeing import Case, cases_of
from core.services.estimating import Estimate, estimate_of_keys
from core.services.ordering import order_again, queue_keys
from core.services.permitting import require
from core.services.sealing import Seals, check_has_not_decided, check_may_revise, seals_of
from core.store import criteria, jobs, judges, questions, seals, trials
from core.store.criteria import CriteriaVersion
from core.store.database import Store
from core.store.judges import Judge
from core.store.prompts import PromptVersion
from core.store.studies import Study
from core.store.trials import Trial, TrialResponse

#: Agreeing responses that a trial of a prompt takes along, to see what it breaks.
REGRESSION = 20

Candidate = CriteriaVersion | PromptVersion


@dataclass(frozen=True, slots=True)
class Wish:
    """How a candidate is to be tried.

    Attributes:
        regression: responses on which judge and physicians agree, for a prompt; a trial of
            criteria takes all scored responses of its question.
        has_noise: judge what is in use once more, to see how much changes by chance.
        budget: the trial stops before it costs more, in the currency of the model's price.
    """

    regression: int = REGRESSION
    has_noise: bool = False
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class TrialCost:
    """What a trial would take.

    Attributes:
        affected, regression: responses on which judge and physicians differ, and agree.
        keys: verdicts that it needs; those that exist are reused.
    """

    affected: int
    regression: int
    keys: int
    estimate: Estimate

    @property
    def reused(self) -> int:
        """Verdicts that exist already."""
        return self.keys - self.estimate.outstanding


def cost_of_trial(
    store: Store, study: Study, judge: Judge, candidate: Candidate, wish: Wish
) -> TrialCost | None:
    """What a trial would take; nothing is written. None where nobody scored what it needs.

    Raises:
        Refused: as `begin_trial`.
    """
    require(store, "lead")
    with store.trying():
        trial = _planned(store, study, judge, candidate, wish, by="")
        if trial is None:
            return None
        chosen = trials.responses_of(store, trial.id)
        keys = len(chosen) * trial.rounds * (2 if wish.has_noise else 1)
        asked = trials.missing(store, trial.id)
        estimate = estimate_of_keys(
            store, judge, trials.missing_by_category(store, trial.id), asked
        )
    affected = sum(one.role == "affected" for one in chosen)
    return TrialCost(affected, len(chosen) - affected, keys, estimate)


def begin_trial(
    store: Store, study: Study, judge: Judge, candidate: Candidate, wish: Wish, *, by: str
) -> tuple[Trial, int | None]:
    """Store a trial and queue what it lacks; the trial with its job, None where nothing is.

    Raises:
        Refused: `cannot_rejudge`, `nothing_to_try`, `candidate_in_use`, `held_out_question`,
            `adjudicated_held_out`, `reads_no_prompt`, `bad_budget`, `budget_needs_price`.
        ReleaseRequired: a local dataset would leave the machine.
    """
    require(store, "lead")
    with store.writing():
        trial = _planned(store, study, judge, candidate, wish, by=by)
        if trial is None:
            raise Refused("nothing_to_try")
        return trial, resume_trial(store, study, trial, by=by, budget=wish.budget)


def resume_trial(
    store: Store, study: Study, trial: Trial, *, by: str, budget: float | None = None
) -> int | None:
    """Queue what a trial still lacks, after it was stopped; the job's id.

    Raises:
        Refused, ReleaseRequired: as `begin_trial`.
    """
    require(store, "lead")
    if not trials.missing(store, trial.id):
        return None
    judge = judges.judge_by_id(store, trial.judge_id)
    last = jobs.last_job_of(store, study.id, judge.id)
    order = replace(order_again(judge, trial.rounds, last), budget=budget)
    return queue_keys(store, study, judge, order, trial_id=trial.id, by=by)


def newest_trial(store: Store, study: Study, judge: Judge, candidate: Candidate) -> Trial | None:
    """The newest trial of a candidate with a judge."""
    require(store, "lead")
    if isinstance(candidate, CriteriaVersion):
        return trials.trial_of(store, study.id, judge.id, criteria_id=candidate.id)
    return trials.trial_of(store, study.id, judge.id, judge_prompt_id=candidate.id)


# --- planning ---------------------------------------------------------------------------------


def _planned(
    store: Store, study: Study, judge: Judge, candidate: Candidate, wish: Wish, *, by: str
) -> Trial | None:
    """A new trial with its responses, in the transaction of the caller; None without any."""
    check_has_not_decided(store, study)
    if judge.engine == "imported":
        raise Refused("cannot_rejudge", judge=judge.name)
    rounds = judges.plan_rounds(store, study.id, judge.id)
    assert rounds is not None
    sealed = seals_of(store, study)
    cases = cases_of(store, study, judge, rounds)
    if isinstance(candidate, CriteriaVersion):
        base_id, chosen = _on_question(store, study, judge, candidate, cases)
    else:
        base_id, chosen = _on_category(
            store, study, judge, candidate, _dev(cases, sealed), regression=wish.regression
        )
    if not chosen:
        return None
    is_criteria = isinstance(candidate, CriteriaVersion)
    trial_id = trials.add_trial(
        store, study.id, judge.id, criteria_id=candidate.id if is_criteria else None,
        judge_prompt_id=None if is_criteria else candidate.id, base_id=base_id, rounds=rounds,
        has_noise=wish.has_noise, by=by,
    )  # fmt: skip
    trials.add_responses(store, trial_id, chosen)
    found = trials.trial_by_id(store, trial_id)
    assert found is not None
    return found


def _dev(cases: Sequence[Case], sealed: Seals) -> list[Case]:
    return [case for case in cases if case.question_id not in sealed.held_out]


def _on_question(
    store: Store, study: Study, judge: Judge, candidate: CriteriaVersion, cases: Sequence[Case]
) -> tuple[int, list[TrialResponse]]:
    """All scored responses of the candidate's question."""
    question = questions.question_by_id(store, candidate.question_id)
    assert question is not None
    check_may_revise(store, study, question)
    active = criteria.active_version(store, study.id, question.id)
    if active.id == candidate.id:
        raise Refused("candidate_in_use", version=candidate.version)
    rater = _rater(store, study, judge, question.category, question.language)
    return active.id, [
        TrialResponse(
            case.response_id, "affected" if case.differs else "regression", 1.0, rater, active.id,
            rater, candidate.id,
        )
        for case in cases
        if case.question_id == question.id
    ]  # fmt: skip


def _on_category(
    store: Store, study: Study, judge: Judge, candidate: PromptVersion, cases: Sequence[Case],
    *, regression: int,
) -> tuple[int, list[TrialResponse]]:  # fmt: skip
    """Responses of the prompt's category and language: all that differ, some that agree."""
    serving = {
        (one.category, one.language): one
        for one in judges.active_prompts(store, study.id, judge.id)
    }
    base = serving.get((candidate.category, candidate.language))
    if base is None:
        raise Refused("reads_no_prompt", judge=judge.name)
    if base.id == candidate.id:
        raise Refused("candidate_in_use", version=candidate.version)
    known = {
        one.id
        for one in questions.questions_of_study(store, study.id)
        if (one.category, one.language) == (candidate.category, candidate.language)
    }
    decided = [
        case
        for case in cases
        if case.question_id in known
        and case.judge.usable is not None
        and case.physicians_usable is not None
    ]
    affected = [case for case in decided if case.differs]
    agreeing = [case for case in decided if not case.differs]
    seal = seals.seal_of(store, study.id)
    salt = f"{seal.salt if seal else ''} {candidate.id}"
    taken = sorted(agreeing, key=lambda case: order_of(salt, str(case.response_id)))[:regression]
    before = judges.ensure_rater(store, judge.configuration_id, base.id)
    after = judges.ensure_rater(store, judge.configuration_id, candidate.id)

    def response(case: Case, probability: float) -> TrialResponse:
        under = criteria.active_version(store, study.id, case.question_id).id
        role: trials.Role = "affected" if case.differs else "regression"
        return TrialResponse(case.response_id, role, probability, before, under, after, under)

    return base.id, [
        *(response(case, 1.0) for case in affected),
        *(response(case, len(taken) / len(agreeing)) for case in taken),
    ]


def _rater(store: Store, study: Study, judge: Judge, category: str, language: str) -> int:
    """The rater by which a judge scores a category and language now."""
    serving = {
        (one.category, one.language): one.id
        for one in judges.active_prompts(store, study.id, judge.id)
    }
    prompt = serving.get((judges.ANY, judges.ANY)) or serving.get((category, language))
    if prompt is None:
        raise Refused("no_prompt_for", category=category, language=language)
    return judges.ensure_rater(store, judge.configuration_id, prompt)

"""Trying and deciding: a candidate is tried apart from the study, adopted whole, or rejected."""

import json
from dataclasses import replace

import pytest

from core.errors import Refused
from core.services.deciding import activate_candidate, consequence_of, reject_candidate
from core.services.drifting import drifts_of, offer_again, offered_to
from core.services.judging import cancel, progress_of
from core.services.prompting import add_prompt
from core.services.revising import propose
from core.services.sealing import seals_of
from core.services.testing import history_of
from core.services.trying import Wish, begin_trial, cost_of_trial, resume_trial
from core.services.weighing import result_of
from core.store import criteria, jobs, judges, rejections, trials
from core.store.assessments import Progress
from core.store.criteria import CriteriaVersion
from core.store.trials import Trial
from core.worker.running import do_in_foreground
from tests.openai_server import Fault, OpenAIServer, saying
from tests.workbench import Workbench, plain_questions

KEYS = 14
STRICTER = "核心需求：\n1. 写明 20 mg 每日 1 次\n2. 写明随餐服用\n3. 写明 CrCl 的界限"
#: Physicians: cedar's answers are usable, willow's are not.
HUMAN = {"cedar": 5, "willow": 1}


@pytest.fixture
def judged(study: Workbench, server: OpenAIServer) -> Workbench:
    """Judge oak passes everything in two rounds; physicians reject what willow says."""
    server.fails(saying(5))
    study.endpoint_judges(server, rounds=2)
    server.recovers()
    lin = study.physician()
    for key in ("MK:1:1", "MK:1:2"):
        for model, score in HUMAN.items():
            study.scores(lin, key, model, score)
    return study


def _candidate(study: Workbench, checklist: str = STRICTER, key: str = "MK:1:1") -> CriteriaVersion:
    active = criteria.active_version(study.store, study.study.id, study.question(key).id)
    revised = replace(active.criteria, checklist=checklist)
    return propose(
        study.store, study.study, study.question(key), revised, based_on=active.id,
        reason="too lenient", by="Dr Weber",
    )  # fmt: skip


def _tries(study: Workbench, candidate, wish: Wish | None = None) -> tuple[Trial, int | None]:
    return begin_trial(
        study.store, study.study, study.judge("oak"), candidate, wish or Wish(), by="Dr Weber"
    )


def _does(study: Workbench, job_id: int | None) -> jobs.Job:
    assert job_id is not None
    assert do_in_foreground(study.path, job_id)
    return jobs.job_by_id(study.store, job_id)


def _rejects_10_mg(server: OpenAIServer) -> None:
    """The judge now rejects willow's answers, and passes the others."""
    server.fails(saying(1), when=lambda prompt: "10 mg，每日 2 次" in prompt)
    server.fails(saying(5))


def test_a_proposal_is_stored_and_changes_nothing_in_use(judged: Workbench) -> None:
    candidate = _candidate(judged)

    active = criteria.active_version(judged.store, judged.study.id, judged.question("MK:1:1").id)
    assert (candidate.version, active.version) == (2, 1)
    assert progress_of(judged.store, judged.study.id, judged.judge("oak")) == Progress(
        2 * KEYS, 0, 0, 0
    )


def test_costs_come_first_and_nothing_is_written(judged: Workbench) -> None:
    candidate = _candidate(judged)
    before = judged.counts()

    cost = cost_of_trial(
        judged.store, judged.study, judged.judge("oak"), candidate, Wish(has_noise=True)
    )

    assert cost is not None
    assert (cost.affected, cost.regression, cost.keys) == (1, 1, 8)
    assert (cost.estimate.outstanding, cost.reused) == (8, 0)
    assert cost.estimate.parts[0].basis == "past"
    assert judged.counts() == before


def test_a_trial_is_paired_and_stays_apart_from_the_study(
    judged: Workbench, server: OpenAIServer
) -> None:
    asked = len(server.received)
    _rejects_10_mg(server)
    study_rows = judged.rows("SELECT * FROM assessment WHERE purpose = 'study'")

    trial, job_id = _tries(judged, _candidate(judged))
    job = _does(judged, job_id)

    assert (job.state, job.total, len(server.received) - asked) == ("done", 4, 4)
    assert all(STRICTER in one.prompt for one in server.received[asked:])
    assert judged.rows("SELECT * FROM assessment WHERE purpose = 'study'") == study_rows
    result = result_of(judged.store, judged.study, trial)
    both = (result.revise, result.check)
    assert (sum(one.n for one in both), result.missing) == (2, 0)
    assert sum(one.false_usable_before for one in both) == 1
    assert sum(one.false_usable_after for one in both) == 0
    assert [len(one.fixed) + one.unchanged for one in both] == [1, 1]
    assert sum(len(one.broken) for one in both) == 0
    assert all(one.is_too_small for one in both)


def test_what_breaks_is_told_apart_from_what_is_fixed(
    judged: Workbench, server: OpenAIServer
) -> None:
    server.fails(saying(1))  # the candidate rejects everything

    trial, job_id = _tries(judged, _candidate(judged))
    _does(judged, job_id)

    result = result_of(judged.store, judged.study, trial)
    fixed = [case.model for one in (result.revise, result.check) for case in one.fixed]
    broken = [case.model for one in (result.revise, result.check) for case in one.broken]
    assert (fixed, broken) == (["willow"], ["cedar"])


def test_marks_are_counted_for_kept_added_and_removed_requirements(
    judged: Workbench, server: OpenAIServer
) -> None:
    trial, job_id = _tries(judged, _candidate(judged))
    _does(judged, job_id)

    rows = result_of(judged.store, judged.study, trial).requirements

    assert [(one.text[:5], one.fate, one.before[1], one.after[1]) for one in rows] == [
        ("写明 20", "kept", 2, 2), ("写明随餐服", "kept", 2, 2), ("写明 Cr", "added", 0, 2),
        ("提到定期复", "removed", 2, 0),
    ]  # fmt: skip


def test_noise_is_kept_apart(judged: Workbench, server: OpenAIServer) -> None:
    _rejects_10_mg(server)

    trial, job_id = _tries(judged, _candidate(judged), Wish(has_noise=True))
    job = _does(judged, job_id)

    result = result_of(judged.store, judged.study, trial)
    assert job.total == 8
    assert judged.rows("SELECT purpose, count(*) FROM assessment JOIN rater ON rater.id = rater_id"
                       " WHERE person_id IS NULL GROUP BY 1") == [
        ("noise", 4), ("study", 2 * KEYS), ("trial", 4),
    ]  # fmt: skip
    assert result.noise is not None
    assert (result.noise.n, result.noise.changed) == (2, 1)  # the same judge, asked once more
    assert sum(one.n for one in (result.revise, result.check)) == 2


def test_a_second_trial_reuses_what_the_first_has_judged(
    judged: Workbench, server: OpenAIServer
) -> None:
    candidate = _candidate(judged)
    _, job_id = _tries(judged, candidate)
    _does(judged, job_id)
    asked = len(server.received)

    trial, job_id = _tries(judged, candidate)

    assert job_id is None
    assert len(server.received) == asked
    assert result_of(judged.store, judged.study, trial).missing == 0


def test_activation_adopts_the_trial_and_queues_exactly_the_rest(
    judged: Workbench, server: OpenAIServer
) -> None:
    judged.model_answers("birch", {"MK:1:1": "20 mg 每日 1 次，随餐。"})  # not scored: not tried
    judged.endpoint_judges(server, rounds=2)
    candidate = _candidate(judged)
    _, job_id = _tries(judged, candidate)
    _does(judged, job_id)
    oak, asked = judged.judge("oak"), len(server.received)

    told = consequence_of(judged.store, judged.study, oak, candidate)
    done = activate_candidate(
        judged.store, judged.study, oak, candidate, reason="it helps", by="Dr Weber"
    )

    assert (told.adopted, told.missing, done.adopted, done.missing) == (4, 2, 4, 2)
    assert told.estimate is not None
    assert told.estimate.outstanding == 2
    job = _does(judged, done.job_id)
    assert (job.total, len(server.received) - asked) == (2, 2)
    assert progress_of(judged.store, judged.study.id, oak).outstanding == 0
    adopted = judged.rows(
        "SELECT study.value, study.rationale, study.exchange_id, study.reason FROM assessment"
        f" AS study WHERE purpose = 'study' AND criteria_id = {candidate.id} AND reason <> ''"
    )
    tried = judged.rows(
        "SELECT value, rationale, exchange_id, 'adopted from a trial' FROM assessment"
        " WHERE purpose = 'trial'"
    )
    assert sorted(adopted) == sorted(tried)
    parts = "SELECT count(*) FROM assessment_part JOIN assessment ON assessment.id = assessment_id"
    counted = [judged.value(f"{parts} WHERE purpose = '{one}' AND criteria_id = {candidate.id}"
                            " AND exchange_id IN (SELECT exchange_id FROM assessment"
                            " WHERE purpose = 'trial')") for one in ("trial", "study")]  # fmt: skip
    assert counted == [12, 12]


def test_a_result_stays_the_same_after_the_activation(
    judged: Workbench, server: OpenAIServer
) -> None:
    candidate = _candidate(judged)
    trial, job_id = _tries(judged, candidate)
    _does(judged, job_id)
    before = result_of(judged.store, judged.study, trial)

    activate_candidate(
        judged.store, judged.study, judged.judge("oak"), candidate, reason="r", by="Dr Weber"
    )

    assert result_of(judged.store, judged.study, trial) == before


def test_a_rejected_candidate_stays_in_the_history(judged: Workbench) -> None:
    candidate, oak = _candidate(judged), judged.judge("oak")

    reject_candidate(judged.store, judged.study, oak, candidate, reason="breaks two", by="Dr Weber")

    (found,) = rejections.rejections(judged.store, judged.study.id)
    assert (found.criteria_id, found.reason, found.created_by) == (
        candidate.id, "breaks two", "Dr Weber",
    )  # fmt: skip
    assert len(criteria.versions(judged.store, candidate.question_id)) == 2


@pytest.mark.parametrize("decide", [activate_candidate, reject_candidate])
def test_a_decision_needs_a_reason_and_a_candidate(judged: Workbench, decide) -> None:
    oak, candidate = judged.judge("oak"), _candidate(judged)
    active = criteria.active_version(judged.store, judged.study.id, candidate.question_id)
    before = judged.counts()

    with pytest.raises(Refused, match="needs_reason"):
        decide(judged.store, judged.study, oak, candidate, reason=" ", by="Dr Weber")
    with pytest.raises(Refused, match="candidate_in_use"):
        decide(judged.store, judged.study, oak, active, reason="r", by="Dr Weber")
    assert judged.counts() == before


def test_a_trial_that_is_cancelled_half_way_goes_on_where_it_was(
    judged: Workbench, server: OpenAIServer
) -> None:
    trial, job_id = _tries(judged, _candidate(judged))
    assert job_id is not None
    with judged.store.writing():
        judged.store.change("UPDATE job SET plan = json_set(plan, '$.limit', 1)", ())
    _does(judged, job_id)
    cancel(judged.store, job_id)
    assert result_of(judged.store, judged.study, trial).missing == 3

    again = resume_trial(judged.store, judged.study, trial, by="Dr Weber")

    assert _does(judged, again).total == 3
    assert result_of(judged.store, judged.study, trial).missing == 0


def test_an_activation_that_can_not_be_finished_leaves_nothing(judged: Workbench) -> None:
    candidate, before = _candidate(judged), judged.counts()

    with pytest.raises(Refused, match="bad_budget"):
        activate_candidate(
            judged.store, judged.study, judged.judge("oak"), candidate, reason="r", by="Dr Weber",
            budget=-1.0,
        )  # fmt: skip

    assert judged.counts() == before


def test_an_activation_during_a_running_job_of_the_judge(
    judged: Workbench, server: OpenAIServer
) -> None:
    """The running job keeps to the criteria that it took up; what is new is queued behind it."""
    candidate, oak = _candidate(judged), judged.judge("oak")
    with judged.store.writing():
        judged.store.change(
            "INSERT INTO job (kind, lane, subject, study_id, plan, state, created_by)"
            " VALUES ('judge', 'network', ?, ?, '{}', 'running', 'Dr Lead')",
            (f"judge {oak.id} in study {judged.study.id}", judged.study.id),
        )

    done = activate_candidate(judged.store, judged.study, oak, candidate, reason="r", by="Dr Weber")

    assert (done.missing, jobs.job_by_id(judged.store, done.job_id or 0).state) == (4, "queued")


def test_scores_that_a_new_requirement_contradicts_are_offered_to_be_given_once_more(
    judged: Workbench, server: OpenAIServer
) -> None:
    lin = judged.physician()
    lacks = [{"number": n, "mark": mark, "quote": ""} for n, mark in
             ((1, "met"), (2, "met"), (3, "not_met"))]  # fmt: skip
    said = {"requirements": lacks, "rationale": "r", "safety_risk": False, "score": 3}
    server.fails(Fault(text='{"ticket": "$TICKET", ' + json.dumps(said)[1:]))
    judged.scores(lin, "MK:1:1", "willow", 5, reason="looked again")

    trial, job_id = _tries(judged, _candidate(judged))
    _does(judged, job_id)
    found = drifts_of(judged.store, judged.study, trial)

    (seen,) = {one.case.model for one in found}  # the other one is held back
    assert [(one.score.person, one.score.value, one.requirement) for one in found] == [
        ("Dr Lin", 5, "写明 CrCl 的界限"),
    ]  # fmt: skip
    assert offer_again(judged.store, judged.study, trial, found, by="Dr Weber") == 1
    assert offer_again(judged.store, judged.study, trial, found, by="Dr Weber") == 0
    (offer,) = offered_to(judged.store, judged.study, lin)
    assert (offer.question, offer.value) == ("MK:1:1", 5)
    judged.scores(lin, "MK:1:1", seen, 2, reason="the limit is missing", claimed_phase="informed")
    assert offered_to(judged.store, judged.study, lin) == []
    assert judged.rows("SELECT value, phase FROM human_assessment ORDER BY id DESC LIMIT 1") == [
        (2, "informed")
    ]


# --- prompts ----------------------------------------------------------------------------------

FORTY = plain_questions("MK", 40)


@pytest.fixture
def forty(empty: Workbench, server: OpenAIServer) -> Workbench:
    """Forty questions, 28 of them dev; the judge passes all, physicians reject every fourth."""
    empty.imports(FORTY)
    empty.model_answers("cedar", dict.fromkeys(FORTY, "An answer."), questions=FORTY)
    server.fails(saying(5))
    empty.endpoint_judges(server)
    server.recovers()
    lin = empty.physician()
    for number, key in enumerate(FORTY):
        empty.scores(lin, key, "cedar", 1 if number % 4 == 0 else 5)
    return empty


def _prompt(study: Workbench):
    serving = judges.active_prompts(study.store, study.study.id, study.judge("oak").id)
    old = next(one for one in serving if (one.category, one.language) == ("MK", "en"))
    return add_prompt(
        study.store, "MK", "en", f"{old.text}\nBe strict.", reason="too lenient", by="Dr Weber"
    )


def test_a_prompt_is_tried_on_what_differs_and_a_sample_of_what_agrees(
    forty: Workbench, server: OpenAIServer
) -> None:
    held_out = seals_of(forty.store, forty.study).held_out
    dev = [key for key in FORTY if forty.question(key).id not in held_out]
    differ = [key for number, key in enumerate(FORTY) if number % 4 == 0 and key in dev]
    server.fails(saying(5))

    trial, job_id = _tries(forty, _prompt(forty), Wish(regression=6))
    job = _does(forty, job_id)

    chosen = trials.responses_of(forty.store, trial.id)
    assert len(dev) == 28
    assert job.total == len(chosen) == len(differ) + 6
    weights = sum(1 / one.probability for one in chosen)
    assert weights == pytest.approx(28)  # what was tried stands for all of dev
    assert {one.role for one in chosen if one.probability < 1} == {"regression"}
    result = result_of(forty.store, forty.study, trial)
    asked = {case.question_id for case in (*result.revise.fixed, *result.revise.broken)}
    assert asked & held_out == set()


def test_an_activated_prompt_is_read_once_on_dev_and_on_held_out(
    forty: Workbench, server: OpenAIServer
) -> None:
    oak, candidate = forty.judge("oak"), _prompt(forty)
    done = activate_candidate(
        forty.store, forty.study, oak, candidate, reason="stricter", by="Dr Weber"
    )
    assert (done.adopted, done.missing) == (0, 40)
    first, second = history_of(forty.store, forty.study, oak, "MK", "en", by="Dr Weber")
    assert (first.dev and first.dev.n, first.held_out and first.held_out.n) == (28, 12)
    assert (second.dev, second.held_out) == (None, None)  # not judged yet

    server.fails(saying(1))
    _does(forty, done.job_id)
    _, second = history_of(forty.store, forty.study, oak, "MK", "en", by="Dr Weber")
    forty.scores(forty.physician("Dr Weber"), "MK:1:1", "cedar", 5)
    _, again = history_of(forty.store, forty.study, oak, "MK", "en", by="Dr Weber")

    assert second.held_out is not None
    assert (second.held_out.n, second.held_out.false_usable) == (12, 0)
    assert again == second

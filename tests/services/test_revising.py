"""Revising: a change is a new version, and only what it touches is judged again."""

from dataclasses import replace

import pytest

from core.errors import Refused, StaleRevision, UnknownName
from core.services.judging import progress_of
from core.services.naming import question_of_study
from core.services.revising import outstanding_for, propose, rejudge, revise
from core.services.revising_effects import all_revisions
from core.services.revising_worklist import prompt_worklist
from core.store import criteria, jobs
from core.store.assessments import Progress
from core.store.criteria import CriteriaVersion
from core.worker.running import do_in_foreground
from tests.openai_server import OpenAIServer, saying
from tests.workbench import CEDAR, QUESTIONS, Workbench, revise_checklist, worklist_of

KEYS = 14
STRICTER = "核心需求：\n1. 写明 20 mg 每日 1 次\n2. 写明随餐服用\n3. 写明 CrCl 的界限"


def _active(study: Workbench, key: str) -> CriteriaVersion:
    return criteria.active_version(study.store, study.study.id, study.question(key).id)


def _revises(study: Workbench, key: str = "MK:1:1", checklist: str = STRICTER) -> CriteriaVersion:
    return revise_checklist(
        study.store, study.study, study.question(key), checklist,
        reason="too lenient", by="Dr Weber",
    )  # fmt: skip


def _progress(study: Workbench, judge: str) -> Progress:
    return progress_of(study.store, study.study.id, study.judge(judge))


def _rejudges(study: Workbench, judge: str, key: str = "MK:1:1") -> jobs.Job:
    job_id = rejudge(
        study.store, study.study, study.judge(judge), study.question(key), by="Dr Weber"
    )
    assert do_in_foreground(study.path, job_id)
    return jobs.job_by_id(study.store, job_id)


def test_a_revision_is_a_new_active_version_with_author_and_reason(study: Workbench) -> None:
    version = _revises(study)

    assert version == _active(study, "MK:1:1")
    assert (version.version, version.criteria.checklist, version.reason, version.created_by) == (
        2, STRICTER, "too lenient", "Dr Weber",
    )  # fmt: skip
    assert version.criteria.question_text == QUESTIONS["MK:1:1"]["problem"]
    first, second = criteria.versions(study.store, study.question("MK:1:1").id)
    assert (first.criteria.checklist, second) == (QUESTIONS["MK:1:1"]["checklist"], version)


def test_question_and_reference_answer_can_be_revised_too(study: Workbench) -> None:
    active = _active(study, "MR:1:1")
    revised = replace(active.criteria, reference_answer="An ECG, then aspirin 300 mg.")

    version = revise(
        study.store, study.study, study.question("MR:1:1"), revised,
        based_on=active.id, reason="order matters", by="Dr Weber",
    )  # fmt: skip

    assert version.criteria == revised


def test_exactly_the_revised_questions_keys_are_outstanding_and_asked(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server, rounds=2)
    assert len(server.received) == 2 * KEYS

    _revises(study)
    assert _progress(study, "oak") == Progress(2 * KEYS - 4, 0, 4, 0)
    oak, question = study.judge("oak"), study.question("MK:1:1")
    assert outstanding_for(study.store, study.study, oak, question) == 4
    job = _rejudges(study, "oak")

    assert (job.state, job.total, job.done) == ("done", 4, 4)
    again = [request.prompt for request in server.received[2 * KEYS :]]
    assert len(again) == 4
    assert all(STRICTER in prompt for prompt in again)
    assert len({request.model for request in server.received}) == 1
    assert _progress(study, "oak") == Progress(2 * KEYS, 0, 0, 0)


def test_the_later_turn_is_not_asked_again_when_the_first_turns_checklist_changes(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)

    _revises(study, "MK:1:1")

    question = study.question("MK:1:2")
    assert outstanding_for(study.store, study.study, study.judge("oak"), question) == 0


def test_a_revision_is_outstanding_for_every_judge(study: Workbench, server: OpenAIServer) -> None:
    study.endpoint_judges(server)
    study.baseline_judges()

    _revises(study)

    assert [_progress(study, judge).outstanding for judge in ("oak", "baseline")] == [2, 2]


def test_old_verdicts_are_kept(study: Workbench) -> None:
    study.baseline_judges()
    old = study.rows("SELECT * FROM assessment ORDER BY id")

    _revises(study)
    _rejudges(study, "baseline")

    assert study.rows("SELECT * FROM assessment ORDER BY id")[:KEYS] == old
    assert study.counts()["assessment"] == KEYS + 2


def test_returning_to_old_content_reuses_the_version_and_its_verdicts(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)
    _revises(study)
    _rejudges(study, "oak")

    version = _revises(study, checklist=QUESTIONS["MK:1:1"]["checklist"])

    assert version.version == 1
    assert _active(study, "MK:1:1") == version
    assert _progress(study, "oak") == Progress(KEYS, 0, 0, 0)
    assert study.endpoint_judges(server).total == 0
    assert len(server.received) == KEYS + 2
    assert len(criteria.versions(study.store, study.question("MK:1:1").id)) == 2
    assert len(criteria.activations(study.store, study.study.id, study.question("MK:1:1").id)) == 3


@pytest.mark.parametrize(
    ("code", "checklist", "reason"),
    [
        ("needs_reason", STRICTER, " "),
        ("nothing_changed", QUESTIONS["MK:1:1"]["checklist"], "typo"),
    ],
)
def test_a_revision_needs_a_reason_and_a_change(
    study: Workbench, code: str, checklist: str, reason: str
) -> None:
    before = study.counts()

    with pytest.raises(Refused, match=code):
        revise_checklist(
            study.store, study.study, study.question("MK:1:1"), checklist,
            reason=reason, by="Dr Weber",
        )  # fmt: skip

    assert study.counts() == before


def test_a_stale_revision_is_refused_and_nothing_is_lost(study: Workbench) -> None:
    seen = _active(study, "MK:1:1")
    _revises(study)
    before = study.counts()

    with pytest.raises(StaleRevision) as caught:
        revise(
            study.store, study.study, study.question("MK:1:1"),
            replace(seen.criteria, checklist="1. something else"),
            based_on=seen.id, reason="mine", by="Dr Lin",
        )  # fmt: skip

    assert caught.value.values == {"key": "MK:1:1", "version": 2, "by": "Dr Weber"}
    assert study.counts() == before


def test_a_stale_revision_names_who_activated_an_old_version_again(study: Workbench) -> None:
    second = _revises(study)
    revise_checklist(
        study.store, study.study, study.question("MK:1:1"), QUESTIONS["MK:1:1"]["checklist"],
        reason="back again", by="Dr Okoye",
    )  # fmt: skip

    with pytest.raises(StaleRevision) as caught:
        revise(
            study.store, study.study, study.question("MK:1:1"),
            replace(second.criteria, checklist="1. something else"),
            based_on=second.id, reason="mine", by="Dr Lin",
        )  # fmt: skip

    assert caught.value.values == {"key": "MK:1:1", "version": 1, "by": "Dr Okoye"}


def test_an_unknown_question_is_named(study: Workbench) -> None:
    with pytest.raises(UnknownName) as caught:
        question_of_study(study.store, study.study, "MK:9:1")

    assert caught.value.values == {"key": "MK:9:1", "dataset": "ward"}


# --- judging again ----------------------------------------------------------------------------


def test_an_imported_judge_cannot_judge_again(questions_only: Workbench) -> None:
    questions_only.model_answers("cedar", CEDAR, scores=dict.fromkeys(CEDAR, "4"))
    _revises(questions_only)

    with pytest.raises(Refused) as caught:
        _rejudges(questions_only, "imported")

    assert (caught.value.code, caught.value.values) == ("cannot_rejudge", {"judge": "imported"})
    assert questions_only.counts()["job"] == 0


def test_there_must_be_something_outstanding_to_judge_again(study: Workbench) -> None:
    study.baseline_judges()

    with pytest.raises(Refused, match="nothing_outstanding"):
        _rejudges(study, "baseline")


def test_judging_again_goes_to_the_address_of_the_last_job(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server, concurrency=2, name="oak-judge")
    _revises(study)

    job = _rejudges(study, "oak-judge")

    assert job.plan["addresses"] == [server.url]
    assert job.plan["concurrency"] == 2
    assert job.plan["questions"] == [study.question("MK:1:1").id]


def test_judging_one_question_again_leaves_the_others_outstanding(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)
    _revises(study, "MK:1:1")
    _revises(study, "MSE:1:1", "核心需求：\n1. 立即停用")

    _rejudges(study, "oak", "MSE:1:1")

    assert _progress(study, "oak").outstanding == 2
    assert len(server.received) == KEYS + 2


# --- before and after -------------------------------------------------------------------------


def _says(server: OpenAIServer, score: int, text: str) -> None:
    server.fails(saying(score), when=lambda prompt: text in prompt)


def test_before_and_after_use_the_same_physicians_scores(
    study: Workbench, server: OpenAIServer
) -> None:
    """Physicians: cedar usable, willow not. The judge passes both, then only cedar."""
    _says(server, 5, QUESTIONS["MK:1:1"]["checklist"])
    study.endpoint_judges(server)
    lin = study.physician()
    study.scores(lin, "MK:1:1", "cedar", 5)
    study.scores(lin, "MK:1:1", "willow", 2)
    study.scores(lin, "MR:1:1", "cedar", 4)
    _revises(study)
    oak = study.judge("oak")

    between = all_revisions(study.store, study.study, oak, 1)
    server.recovers()
    _says(server, 1, "利伐沙班 10 mg")
    _says(server, 4, STRICTER)
    _rejudges(study, "oak")
    found = all_revisions(study.store, study.study, oak, 1)

    assert between is not None
    assert (between.revise.n, between.revise.left_out) == (0, 1)
    assert found is not None
    assert (found.questions, found.not_verifiable) == (1, 0)
    seen, held = found.revise, found.check
    assert [(case.question, case.model) for case in seen.fixed] == [("MK:1:1", "willow")]
    assert (seen.n, seen.false_usable_before, seen.false_usable_after) == (1, 1, 0)
    assert (held.n, held.fixed, held.unchanged) == (1, (), 1)
    assert (seen.broken, held.broken) == ((), ())
    assert study.value("SELECT count(*) FROM human_assessment") == 3


# --- the worklist -----------------------------------------------------------------------------


def test_the_worklist_starts_where_the_judge_passes_what_physicians_reject(
    study: Workbench,
) -> None:
    study.baseline_judges()  # MLU:1:1 and MLU:2:1: 5 for cedar; 1 for willow's MLU:2:1
    lin = study.physician()
    study.scores(lin, "MLU:2:1", "cedar", 1)  # false usable
    study.scores(lin, "MLU:2:1", "willow", 1)
    study.scores(lin, "MTG:1:1", "willow", 5)  # differs, the safe way round
    study.scores(lin, "MLU:1:1", "cedar", 5)

    found = worklist_of(study.store, study.study, study.judge(), 1)

    assert [(one.key, one.false_usable, one.differ, one.scored) for one in found] == [
        ("MLU:2:1", 1, 1, 1),
        ("MTG:1:1", 0, 1, 1),
        ("MK:1:1", 0, 0, 0),
        ("MK:1:2", 0, 0, 0),
        ("MR:1:1", 0, 0, 0),
        ("MSE:1:1", 0, 0, 0),
    ]
    assert "MLU:1:1" not in {one.key for one in found}  # it is held out
    assert next(one.check for one in found if one.key == "MLU:2:1") == 1


def test_of_two_harmful_questions_the_one_with_more_named_causes_comes_first(
    study: Workbench,
) -> None:
    study.baseline_judges()
    lin = study.physician()
    for key in ("MR:1:1", "MTG:1:1"):
        study.scores(lin, key, "cedar", 1, comment="no" if key == "MTG:1:1" else "")

    found = worklist_of(study.store, study.study, study.judge(), 1)

    assert [(one.key, one.notes) for one in found[:2]] == [("MTG:1:1", 1), ("MR:1:1", 0)]


def test_two_leads_who_save_at_once_are_told_and_nothing_is_lost(study: Workbench) -> None:
    active = _active(study, "MK:1:1")

    def saves(checklist: str, by: str, newest: int) -> CriteriaVersion:
        return propose(
            study.store, study.study, study.question("MK:1:1"),
            replace(active.criteria, checklist=checklist),
            based_on=active.id, reason="r", by=by, newest=newest,
        )  # fmt: skip

    saves(STRICTER, "Dr Weber", 1)
    with pytest.raises(StaleRevision, match="newer_version") as caught:
        saves("核心需求：\n1. 写明 20 mg", "Dr Chen", 1)
    assert caught.value.values == {"key": "MK:1:1", "version": 2, "by": "Dr Weber"}
    saves("核心需求：\n1. 写明 20 mg", "Dr Chen", 2)

    versions = criteria.versions(study.store, study.question("MK:1:1").id)
    assert [one.created_by for one in versions[1:]] == ["Dr Weber", "Dr Chen"]
    assert _active(study, "MK:1:1") == active


def test_prompts_are_listed_by_harm_over_what_revisers_see(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    for key, model, score in (("MR:1:1", "cedar", 5), ("MTG:1:1", "cedar", 1)):
        study.scores(lin, key, model, score)

    found = prompt_worklist(study.store, study.study, study.judge(), 1)

    assert [(one.category, one.language, one.false_usable, one.scored) for one in found][:1] == [
        ("MTG", "en", 1, 1)
    ]
    assert sum(one.scored for one in found) == 2

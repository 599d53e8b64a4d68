"""Surveying: where a study stands, and the one thing to do next."""

from core.services.judging import cancel
from core.services.offering import queue_of
from core.services.ordering import JudgeOrder
from core.services.reviewing import Scoring, score
from core.services.surveying import Survey, survey_of
from core.store.assessments import Progress
from core.store.responses import ResponseCounts
from tests.openai_server import PROSE, OpenAIServer
from tests.workbench import CEDAR, Workbench, changed, revise_checklist


def _survey(study: Workbench) -> Survey:
    return survey_of(study.store, study.study)


def _scores_everything(study: Workbench, value: int, name: str = "Dr Lin") -> None:
    person = study.physician(name)
    while (response_id := study.next_for(person)) is not None:
        score(study.store, study.study, person, response_id, Scoring(value))


def test_each_step_of_the_loop_names_the_next(questions_only: Workbench) -> None:
    study = questions_only
    steps = [_survey(study).next_step]

    study.model_answers("cedar", CEDAR)
    steps.append(_survey(study).next_step)
    job_id = study.queues(JudgeOrder("baseline", "baseline", {}))
    steps.append(_survey(study).next_step)
    cancel(study.store, job_id)
    steps.append(_survey(study).next_step)
    study.baseline_judges()
    steps.append(_survey(study).next_step)
    _scores_everything(study, 1)
    steps.append(_survey(study).next_step)
    revise_checklist(
        study.store, study.study, study.question("MK:1:1"), "1. 20 mg", reason="r", by="Dr Weber"
    )
    steps.append(_survey(study).next_step)

    assert steps == [
        "import_responses",
        "judge",
        "wait",
        "judge",
        "score",
        "see_false_usable",
        "judge",
    ]


def test_where_nothing_is_falsely_usable_the_agreement_is_next(study: Workbench) -> None:
    study.baseline_judges()
    _scores_everything(study, 5)

    assert _survey(study).next_step == "read_agreement"


def test_released_scores_alone_leave_the_physicians_to_score(questions_only: Workbench) -> None:
    questions_only.model_answers("cedar", CEDAR, scores=dict.fromkeys(CEDAR, "4"))

    assert _survey(questions_only).next_step == "score"


def test_an_imported_judge_that_lacks_scores_asks_for_nothing(study: Workbench) -> None:
    study.model_answers("cedar", CEDAR, scores=dict.fromkeys(CEDAR, "4"))

    survey = _survey(study)

    assert survey.judges[0].progress == Progress(judged=7, unscored=0, outstanding=7, absent=0)
    assert survey.next_step == "score"


def test_a_survey_counts_what_is_there(study: Workbench, server: OpenAIServer) -> None:
    study.model_answers("elm", {"MR:1:1": "", "MK:1:1": "20 mg，每日 1 次。"})
    server.fails(PROSE, when=lambda prompt: CEDAR["MR:1:1"] in prompt)
    study.endpoint_judges(server, rounds=2)
    lin = study.physician()
    study.scores(lin, "MK:1:1", "cedar", 4)
    study.scores(study.physician("Dr Weber"), "MK:1:1", "cedar", 2)
    study.scores(lin, "MR:1:1", "cedar", 4, claimed_phase="informed")

    survey = _survey(study)

    assert survey.counts == ResponseCounts(
        questions=7, conversations=6, models=3, present=15, absent=1
    )
    assert (survey.human_scores, survey.physicians) == (2, 2)
    assert (survey.running, survey.personal_data) == ((), {})
    [standing] = survey.judges
    assert (standing.judge.name, standing.rounds) == ("oak", 2)
    assert standing.progress == Progress(judged=28, unscored=2, outstanding=0, absent=2)
    assert standing.unscored_reasons == {"no_verdict": 2}
    assert (standing.comparison.cases, standing.comparison.undecided) == (1, 1)
    assert standing.false_usable == 0


def test_false_usable_counts_what_the_judge_passes_and_physicians_reject(
    study: Workbench,
) -> None:
    study.baseline_judges()
    lin = study.physician()
    study.scores(lin, "MLU:1:1", "cedar", 1)  # the baseline says 5
    study.scores(lin, "MLU:2:1", "willow", 1)  # the baseline says 1

    assert [one.false_usable for one in _survey(study).judges] == [1]


def test_personal_data_of_all_imports_is_summed(empty: Workbench) -> None:
    text = "电话 13812345678，请写小结。"
    empty.imports(changed("MTG:1:1", problem=text))
    empty.model_answers(
        "cedar", {"MTG:1:1": "Call 13912345678."}, questions=changed("MTG:1:1", problem=text)
    )

    assert _survey(empty).personal_data == {"phone": 2}


def test_a_running_job_is_listed(study: Workbench) -> None:
    job_id = study.queues(JudgeOrder("baseline", "baseline", {}))

    assert [job.id for job in _survey(study).running] == [job_id]


def test_the_sample_is_ready_to_be_scored(sample: Workbench) -> None:
    survey = _survey(sample)

    assert survey.study.is_illustrative
    assert (survey.counts.questions, survey.counts.models, survey.counts.present) == (33, 2, 66)
    assert (survey.human_scores, survey.physicians) == (88, 2)
    assert [(one.judge.name, one.progress) for one in survey.judges] == [
        ("baseline", Progress(66, 0, 0, 0))
    ]


def test_a_physician_who_has_scored_all_is_not_sent_to_score(study: Workbench) -> None:
    study.baseline_judges()
    lin = study.physician()
    study.scores(lin, "MLU:1:1", "cedar", 5)

    left = queue_of(study.store, study.study, lin).left

    assert survey_of(study.store, study.study, waiting=left).next_step == "score"
    assert survey_of(study.store, study.study, waiting=0).next_step == "read_agreement"

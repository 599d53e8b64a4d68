"""What is outstanding: read page by page, the same that is counted, in the order of the rounds."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from core.services.ordering import JudgeOrder
from core.store import assessments
from core.store.assessments import Given, Key, Plan, Progress
from tests.workbench import Workbench, plain_questions, workbench_in

QUESTIONS = plain_questions("MK", 70)


@pytest.fixture(autouse=True, params=[7, 1_000])
def keys_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many pages, or one."""
    monkeypatch.setattr(assessments, "_KEYS_AT_ONCE", request.param)


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Workbench]:
    """Seventy questions, two models, two samples of one of them; a judge of three rounds."""
    with workbench_in(tmp_path) as workbench:
        workbench.imports(QUESTIONS)
        for model, sample in (("cedar", 1), ("cedar", 2), ("willow", 1)):
            answers = {key: f"{model} {sample} answers {key}." for key in QUESTIONS}
            answers["MK:7:1"] = ""
            workbench.model_answers(model, answers, questions=QUESTIONS, sample=sample)
        workbench.queues(JudgeOrder("baseline", "baseline", {}, rounds=3))
        yield workbench


def plan_of(study: Workbench, **options: object) -> Plan:
    return Plan(study.study.id, study.judge().id, 3, **options)  # type: ignore[arg-type]


def keys_of(study: Workbench, **options: object) -> list[Key]:
    """All outstanding keys, which are as many as are counted."""
    outstanding = assessments.outstanding(study.store, plan_of(study, **options))
    found = list(outstanding)
    assert outstanding.total == len(found) == len(set(found))
    return found


def scores(study: Workbench, *keys: Key, because: str | None = None) -> None:
    given = Given(study.judge().scale, None if because else 3, because)
    with study.store.writing():
        assessments.add_machine_assessments(study.store, [(key, given) for key in keys], by="me")


def test_keys_come_round_by_round_in_the_order_of_the_questions(study):
    keys = keys_of(study)

    assert len(keys) == 3 * 3 * 69
    assert [key.round for key in keys] == sorted(key.round for key in keys)
    positions = dict(
        study.rows("SELECT response.id, position FROM response JOIN question"
                   " ON question.id = question_id")
    )  # fmt: skip
    first = [positions[key.response_id] for key in keys if key.round == 1]
    assert first == sorted(first)
    assert assessments.progress(study.store, plan_of(study)) == Progress(0, 0, 621, 9)


def test_what_has_a_result_is_not_outstanding(study):
    first, second, *rest = keys_of(study)

    scores(study, first)
    scores(study, second, because="refusal")

    assert keys_of(study) == rest
    assert assessments.progress(study.store, plan_of(study)) == Progress(1, 1, 619, 9)


def test_what_is_scored_while_it_is_read_does_not_shift_the_rest(study):
    keys = assessments.outstanding(study.store, plan_of(study))
    taken = []
    for key in keys:
        taken.append(key)
        scores(study, key)

    assert len(set(taken)) == len(taken) == 621
    assert keys_of(study) == []


def test_an_unscored_key_is_wanted_again_as_its_next_attempt_up_to_a_point_in_time(study):
    first, second, third, *rest = keys_of(study)
    scores(study, first, second, because="refusal")
    scores(study, third)
    until = assessments.last_id(study.store)

    again = keys_of(study, retry_until=until)
    scores(study, again[0], because="refusal")

    assert [(key.response_id, key.attempt) for key in again[:2]] == [
        (first.response_id, 2), (second.response_id, 2),
    ]  # fmt: skip
    assert again[2:] == rest
    assert keys_of(study, retry_until=until) == again[1:]
    assert keys_of(study) == rest
    assert assessments.progress(study.store, plan_of(study)) == Progress(1, 2, 618, 9)
    assert assessments.unscored_reasons(study.store, plan_of(study)) == {"refusal": 2}


def test_the_last_attempt_counts(study):
    first, *_ = keys_of(study)
    scores(study, first, because="refusal")
    [again] = islice(keys_of(study, retry_until=assessments.last_id(study.store)), 1)

    scores(study, again)

    assert assessments.progress(study.store, plan_of(study)) == Progress(1, 0, 620, 9)


def test_some_questions_alone_can_be_asked_for(study):
    wanted = (study.question("MK:3:1").id, study.question("MK:60:1").id)

    keys = keys_of(study, question_ids=wanted)

    assert len(keys) == 2 * 3 * 3
    assert keys_of(study, question_ids=()) == []

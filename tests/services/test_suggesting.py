"""Suggesting: a model is shown what revisers see, and a person takes what it says, or leaves it."""

import json

import pytest

from core.domain.criteria import requirements_of
from core.domain.suggestions import RowChange, TextChange
from core.errors import Refused
from core.services.prompting import prompt_version
from core.services.sealing import seals_of
from core.services.suggesting import models_that_suggest, suggest_rows, suggest_text
from core.store import criteria
from tests.openai_server import Fault, OpenAIServer, saying
from tests.workbench import CEDAR, QUESTIONS, WILLOW, Workbench

ROWS = requirements_of(QUESTIONS["MK:1:1"]["checklist"])


@pytest.fixture
def judged(study: Workbench, server: OpenAIServer) -> Workbench:
    """Oak passes both answers to MK:1:1; physicians reject both, and say why."""
    server.fails(saying(5))
    study.endpoint_judges(server)
    server.recovers()
    lin = study.physician()
    for model in ("cedar", "willow"):
        study.scores(lin, "MK:1:1", model, 1, comment=f"{model}: the interval is missing")
    return study


def _suggests(study: Workbench) -> tuple[RowChange, ...]:
    oak = study.judge("oak")
    found = suggest_rows(
        study.store, study.study, oak, oak, study.question("MK:1:1"), ROWS, by="Dr Weber"
    )
    return found.rows


def test_a_model_sees_what_revisers_see_and_its_changes_come_one_by_one(
    judged: Workbench, server: OpenAIServer
) -> None:
    said = {"changes": [
        {"action": "reword", "number": 1, "level": None, "text": "写明 20 mg", "reason": "单位"},
        {"action": "add", "number": None, "level": "core", "text": "写明间隔", "reason": "间隔"},
        {"action": "remove", "number": 9, "level": None, "text": None, "reason": "no such row"},
        {"action": "add", "level": "grave", "text": "x", "reason": "no such level"},
    ]}  # fmt: skip
    server.fails(Fault(text=f"Gladly:\n{json.dumps(said)}"))
    (held,) = seals_of(judged.store, judged.study).check
    before = judged.value("SELECT count(*) FROM criteria")

    found = _suggests(judged)

    assert found == (
        RowChange("reword", 1, "core", "写明 20 mg", "单位"),
        RowChange("add", 0, "core", "写明间隔", "间隔"),
    )
    asked = server.received[-1].prompt
    hidden, shown = (
        (CEDAR, WILLOW) if judged.response("MK:1:1", "cedar").id == held else (WILLOW, CEDAR)
    )
    assert shown["MK:1:1"] in asked
    assert hidden["MK:1:1"] not in asked
    assert asked.count("the interval is missing") == 1
    assert judged.value("SELECT count(*) FROM criteria") == before
    (stored,) = judged.rows("SELECT request, reply, created_by FROM suggestion")
    assert stored == (asked, f"Gladly:\n{json.dumps(said)}", "Dr Weber")


@pytest.mark.parametrize("reply", ["I would ask for the interval.", "{}", '{"changes": 3}', "{]"])
def test_a_reply_that_holds_no_change_suggests_nothing(
    judged: Workbench, server: OpenAIServer, reply: str
) -> None:
    server.fails(Fault(text=reply))

    assert _suggests(judged) == ()


def test_a_prompt_is_changed_where_its_words_stand_once(
    judged: Workbench, server: OpenAIServer
) -> None:
    prompt = prompt_version(judged.store, "MK", "zh")
    said = {"changes": [
        {"old": "每个数值都要", "new": "每个剂量都要", "reason": "剂量"},
        {"old": "这句话不在提示词里", "new": "x", "reason": "not there"},
    ]}  # fmt: skip
    server.fails(Fault(text=json.dumps(said, ensure_ascii=False)))
    oak = judged.judge("oak")

    found = suggest_text(judged.store, judged.study, oak, oak, prompt, prompt.text, by="Dr Weber")

    assert found.texts == (TextChange("每个数值都要", "每个剂量都要", "剂量"),)


def test_without_a_disagreement_that_may_be_seen_nothing_is_asked(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)
    asked = len(server.received)

    with pytest.raises(Refused, match="nothing_to_suggest_from"):
        _suggests(study)
    assert len(server.received) == asked


def test_only_chat_models_that_were_reached_can_be_asked(
    study: Workbench, server: OpenAIServer
) -> None:
    study.baseline_judges()
    assert models_that_suggest(study.store, study.study) == []
    study.endpoint_judges(server)
    assert [one.name for one in models_that_suggest(study.store, study.study)] == ["oak"]
    assert criteria.versions(study.store, study.question("MK:1:1").id)

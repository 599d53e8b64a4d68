"""Supplying: categories of one's own are judged by the general prompt until they have their own."""

from pathlib import Path

import pytest

from core.errors import UnknownName
from core.services import prompting
from core.services.deciding import activate_candidate
from core.services.importing_table import TableImport, import_table
from core.services.judging import progress_of
from core.services.opening import ensure_workbench
from core.store import judges
from core.store.assessments import Progress
from tests.openai_server import OpenAIServer, verdict_for
from tests.workbench import Workbench

PROMPTS = Path(__file__).resolve().parents[2] / "data" / "prompts"
HEADER = "question_id,category,question,checklist,model,response"
LINES = [
    "1,急诊,胸痛首选检查？,核心需求：1. 心电图,cedar,先做心电图。",
    "2,急诊,高钾血症首先给什么？,,cedar,葡萄糖酸钙。",
    "3,Ward round,Which fluid?,,cedar,Saline.",
    "4,*,哪种抗凝药？,,cedar,利伐沙班。",
]


@pytest.fixture
def table(empty: Workbench) -> Workbench:
    """Questions in two categories of somebody's own, one in two words, and in none."""
    path = empty.file("\n".join([HEADER, *LINES]) + "\n", "mine.csv")
    mapping = {name: name for name in HEADER.split(",")}
    import_table(empty.store, path, TableImport(empty.name, "Dr Lead", mapping))
    return empty


def shipped(language: str, name: str = "general") -> str:
    return (PROMPTS / language / f"{name}.txt").read_text(encoding="utf-8")


def test_a_category_of_ones_own_begins_with_the_general_prompt(table: Workbench) -> None:
    own = {
        (one.category, one.language): (one.version, one.text)
        for one in judges.prompts(table.store)
        if one.category not in ("MK", "MLU", "MR", "MSE", "MTG")
    }

    assert own == {
        ("急诊", "zh"): (1, shipped("zh")),
        ("Ward_round", "en"): (1, shipped("en")),
        ("general", "zh"): (1, shipped("zh")),  # a star would stand for every category
    }
    assert prompting.categories(table.store)[5:] == ["Ward_round", "general", "急诊"]
    assert prompting.languages_of(table.store, "急诊") == ["zh"]
    assert prompting.languages_of(table.store, "MK") == ["en", "zh"]


def test_it_is_judged_like_any_other(table: Workbench, server: OpenAIServer) -> None:
    job = table.endpoint_judges(server)

    assert (job.state, job.done, job.unscored) == ("done", 4, 0)
    by_key = dict(table.rows(
        "SELECT question.key, value FROM assessment JOIN response ON response.id = response_id"
        " JOIN question ON question.id = question_id"
    ))  # fmt: skip
    for key, text in (("急诊:2:1", "葡萄糖酸钙。"), ("Ward_round:3:1", "Saline.")):
        [asked] = [one.prompt for one in server.received if text in one.prompt]
        assert by_key[key] == verdict_for(asked)["score"]


def test_its_own_prompt_judges_that_category_again_and_no_other(
    table: Workbench, server: OpenAIServer
) -> None:
    table.endpoint_judges(server)
    prompt = prompting.add_prompt(
        table.store, "急诊", "zh", "急诊从严。\n" + shipped("zh"), reason="time", by="Dr Lead"
    )
    asked = len(server.received)

    activate_candidate(
        table.store, table.study, table.judge("oak"), prompt, reason="time", by="Dr Lead",
        is_asked=False,
    )  # fmt: skip

    oak = table.judge("oak")
    assert progress_of(table.store, table.study.id, oak) == Progress(2, 0, 2, 0)
    table.endpoint_judges(server)
    assert all(one.prompt.startswith("急诊从严。") for one in server.received[asked:])
    assert len(server.received) == asked + 2


def test_a_category_that_nobody_has_is_refused_with_those_that_there_are(table: Workbench) -> None:
    with pytest.raises(UnknownName) as refused:
        prompting.prompt_version(table.store, "儿科", "zh")

    assert refused.value.code == "unknown_prompt"
    assert refused.value.values["categories"] == "MK, MLU, MR, MSE, MTG, Ward_round, general, 急诊"


def test_categories_of_an_older_database_get_theirs_when_it_is_opened(table: Workbench) -> None:
    with table.store.writing():
        table.store.execute(
            "INSERT INTO question (dataset_id, conversation_id, turn, key, category, language,"
            " position) SELECT dataset_id, conversation_id, 2, '儿科:9:2', '儿科', 'zh', 9"
            " FROM question LIMIT 1"
        )

    ensure_workbench(table.path)
    ensure_workbench(table.path)

    assert table.rows("SELECT version, text FROM judge_prompt WHERE category = '儿科'") == [
        (1, shipped("zh"))
    ]

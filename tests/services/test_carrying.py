"""Carrying: a judge as one file, to the character, refused once somebody has touched it."""

import pytest

from core.errors import BrokenFile, Refused
from core.services.carrying import export_card, import_card
from core.services.judging import progress_of
from core.store import criteria, judges
from tests.openai_server import OpenAIServer, saying
from tests.workbench import CEDAR, QUESTIONS, Workbench, revise_checklist, workbench_in

STRICTER = "核心需求：\n1. 写明 20 mg 每日 1 次  \n\t2. 写明 CrCl：>50 mL/min # 不是注释"


@pytest.fixture
def exported(study: Workbench, server: OpenAIServer):
    """A card of judge oak, which passes all, and agrees with physicians on one of two."""
    server.fails(saying(5))
    study.endpoint_judges(server)
    lin = study.physician()
    study.scores(lin, "MR:1:1", "cedar", 5)
    study.scores(lin, "MR:1:1", "willow", 1)
    revise_checklist(
        study.store, study.study, study.question("MK:1:1"), STRICTER, reason="r", by="Dr Weber"
    )
    path = study.folder / "card.yaml"
    return export_card(study.store, study.study, study.judge("oak"), path), path


@pytest.fixture
def elsewhere(tmp_path):
    """Another house with the same questions."""
    with workbench_in(tmp_path / "elsewhere") as house:
        house.imports()
        house.model_answers("cedar", CEDAR)
        yield house


def test_a_judge_arrives_to_the_character_and_judges(exported, elsewhere, server) -> None:
    card, path = exported

    done = import_card(elsewhere.store, elsewhere.study, path, by="Dr Chen")

    assert (done.judge, done.sha256, done.prompts) == ("oak", card.content_hash, len(card.prompts))
    assert (done.proposed, done.same, done.unknown) == (1, 6, 0)
    assert done.record["all"] | {"interval": None} == {
        "n": 2, "agreement": 0.5, "cohen_kappa": 0.0, "interval": None, "false_usable": 1,
        "physicians": 1,
    }  # fmt: skip
    versions = criteria.versions(elsewhere.store, elsewhere.question("MK:1:1").id)
    assert [one.criteria.checklist for one in versions] == [
        QUESTIONS["MK:1:1"]["checklist"], STRICTER,
    ]  # fmt: skip
    active = criteria.active_version(
        elsewhere.store, elsewhere.study.id, elsewhere.question("MK:1:1").id
    )
    assert active.version == 1
    serving = judges.active_prompts(elsewhere.store, elsewhere.study.id, elsewhere.judge("oak").id)
    assert {(one.category, one.language): one.text for one in serving} == {
        (one.category, one.language): one.text for one in card.prompts
    }
    elsewhere.endpoint_judges(server)
    assert progress_of(elsewhere.store, elsewhere.study.id, elsewhere.judge("oak")).judged == 7


def test_importing_twice_changes_nothing_but_the_log(exported, elsewhere) -> None:
    _, path = exported
    import_card(elsewhere.store, elsewhere.study, path, by="Dr Chen")
    before = elsewhere.counts()

    import_card(elsewhere.store, elsewhere.study, path, by="Dr Chen")

    after = elsewhere.counts()
    assert {name for name in after if after[name] != before[name]} == {
        "prompt_activation", "judging_plan",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("写明 CrCl", "写明 GFR", "card_changed"),
        ("temperature: 0.0", "temperature: 1.0", "card_changed"),
        ("format: attending judge card 1", "format: something else", "not_a_card"),
        ("prompts:", "prompts: [", "not_a_card"),
    ],
)
def test_a_card_that_was_touched_is_refused_whole(exported, elsewhere, old, new, code) -> None:
    _, path = exported
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    before = elsewhere.counts()

    with pytest.raises(BrokenFile, match=code):
        import_card(elsewhere.store, elsewhere.study, path, by="Dr Chen")
    assert elsewhere.counts() == before


def test_a_name_that_is_taken_by_another_judge_is_refused(exported, elsewhere) -> None:
    _, path = exported
    elsewhere.baseline_judges()
    before = elsewhere.counts()

    with pytest.raises(Refused, match="judge_name_taken"):
        import_card(elsewhere.store, elsewhere.study, path, name="baseline", by="Dr Chen")
    assert elsewhere.counts() == before

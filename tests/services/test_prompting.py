"""Prompting: versions with reasons, placeholders that must be there, and what a change asks for."""

from pathlib import Path

import pytest

from core.domain.prompts import PLACEHOLDERS
from core.errors import Refused, StaleRevision, UnknownName
from core.services import prompting
from core.services.deciding import activate_candidate
from core.services.judging import progress_of
from core.store import prompts
from core.store.assessments import Progress
from core.store.prompts import PromptVersion
from tests.openai_server import OpenAIServer
from tests.workbench import CEDAR, WILLOW, Workbench

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "prompts"


def _shipped(category: str, language: str) -> str:
    return (SHIPPED / language / f"{category}.txt").read_text(encoding="utf-8")


def _stricter(category: str = "MK", language: str = "zh") -> str:
    return "更严格。\n" + _shipped(category, language)


def _adds(study: Workbench, category: str = "MK", language: str = "zh") -> PromptVersion:
    return prompting.add_prompt(
        study.store, category, language, _stricter(category, language),
        reason="too lenient", by="Dr Weber",
    )  # fmt: skip


def _activates(study: Workbench, prompt: PromptVersion, judge: str = "oak") -> None:
    activate_candidate(
        study.store, study.study, study.judge(judge), prompt, reason="trial", by="Dr Weber",
        is_asked=False,
    )  # fmt: skip


def _progress(study: Workbench) -> Progress:
    return progress_of(study.store, study.study.id, study.judge("oak"))


# --- versions -----------------------------------------------------------------------------------


def test_the_shipped_prompts_are_the_first_versions(empty: Workbench) -> None:
    found = prompts.all_versions(empty.store)

    assert {(one.category, one.language, one.version) for one in found} == {
        (category, language, 1)
        for category in ("MK", "MLU", "MR", "MSE", "MTG")
        for language in ("en", "zh")
    }
    assert all(one.text == _shipped(one.category, one.language) for one in found)


def test_a_new_text_is_the_next_version_with_author_and_reason(empty: Workbench) -> None:
    added = _adds(empty)

    assert (added.version, added.text, added.reason, added.created_by) == (
        2, _stricter(), "too lenient", "Dr Weber",
    )  # fmt: skip
    assert prompting.prompt_version(empty.store, "MK", "zh") == added
    assert prompting.prompt_version(empty.store, "MK", "zh", 1).text == _shipped("MK", "zh")
    assert [one.version for one in prompts.versions(empty.store, "MK", "en")] == [1]


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_a_missing_placeholder_is_refused_by_its_name_when_it_is_added(
    empty: Workbench, name: str
) -> None:
    before = empty.counts()

    with pytest.raises(Refused) as caught:
        prompting.add_prompt(
            empty.store, "MK", "zh", _stricter().replace(f"{{{name}}}", f"{name}"),
            reason="shorter", by="Dr Weber",
        )  # fmt: skip

    assert (caught.value.code, caught.value.values) == ("prompt_lacks", {"names": f"{{{name}}}"})
    assert empty.counts() == before


def test_a_repeated_placeholder_is_refused_by_its_name(empty: Workbench) -> None:
    with pytest.raises(Refused) as caught:
        prompting.check_placeholders(_stricter() + "{response} {ticket} {marker}")

    assert caught.value.code == "prompt_repeats"
    assert caught.value.values == {"names": "{response}, {ticket}"}


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        ("needs_reason", _stricter(), " "),
        ("prompt_exists", _shipped("MK", "zh"), "again"),
    ],
)
def test_a_version_needs_a_reason_and_a_text_of_its_own(
    empty: Workbench, code: str, text: str, reason: str
) -> None:
    before = empty.counts()

    with pytest.raises(Refused, match=code):
        prompting.add_prompt(empty.store, "MK", "zh", text, reason=reason, by="Dr Weber")

    assert empty.counts() == before


def test_an_edit_of_an_older_version_is_refused_with_who_was_faster(empty: Workbench) -> None:
    _adds(empty)

    with pytest.raises(StaleRevision) as caught:
        prompting.add_prompt(
            empty.store, "MK", "zh", _stricter() + "另。", reason="mine", by="Dr Lin", based_on=1
        )

    assert caught.value.values == {"version": 2, "by": "Dr Weber"}


def test_an_unknown_prompt_or_version_is_named(empty: Workbench) -> None:
    with pytest.raises(UnknownName, match="unknown_prompt'"):
        prompting.prompt_version(empty.store, "XX", "zh")
    with pytest.raises(UnknownName, match="unknown_prompt_version"):
        prompting.prompt_version(empty.store, "MK", "zh", 7)


# --- serving a judge ----------------------------------------------------------------------------


def test_a_new_version_changes_nothing_until_it_is_activated(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)

    _adds(study)

    assert _progress(study) == Progress(14, 0, 0, 0)
    assert study.endpoint_judges(server).total == 0


def test_a_changed_prompt_makes_its_category_and_language_outstanding_and_nothing_else(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server, rounds=3)
    asked = len(server.received)
    prompt = _adds(study)
    effect = prompting.effect_of(study.store, study.study, study.judge("oak"), 3, prompt)
    old = study.rows("SELECT * FROM assessment ORDER BY id")

    _activates(study, prompt)

    # MK:1:1 and MK:1:2, by two models, in three rounds
    assert effect == prompting.Effect(responses=4, rounds=3, judged=0, outstanding=12)
    assert _progress(study) == Progress(42 - 12, 0, 12, 0)
    assert study.endpoint_judges(server, rounds=3).total == 12
    again = [one.prompt for one in server.received[asked:]]
    assert len(again) == 12
    assert all(prompt.startswith("更严格。\n") for prompt in again)
    answers = [one[key] for one in (CEDAR, WILLOW) for key in ("MK:1:1", "MK:1:2")]
    assert all(any(answer in prompt for answer in answers) for prompt in again)
    assert study.rows("SELECT * FROM assessment ORDER BY id")[: len(old)] == old
    assert _progress(study) == Progress(42, 0, 0, 0)


def test_returning_to_an_old_version_asks_for_nothing_again(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)
    prompt = _adds(study)
    _activates(study, prompt)
    study.endpoint_judges(server)
    first = prompting.prompt_version(study.store, "MK", "zh", 1)
    effect = prompting.effect_of(study.store, study.study, study.judge("oak"), 1, first)

    _activates(study, first)

    assert effect == prompting.Effect(responses=4, rounds=1, judged=4, outstanding=0)
    assert _progress(study) == Progress(14, 0, 0, 0)


def test_a_version_serves_only_the_judge_that_it_was_activated_for(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)
    study.endpoint_judges(server, model="birch")
    prompt = _adds(study)

    _activates(study, prompt)

    serving = prompts.serving(study.store, study.study.id)
    assert [one.judge for one in serving if one.prompt_id == prompt.id] == ["oak"]
    assert [one.judge for one in serving if (one.category, one.language) == ("MK", "zh")] == [
        "oak", "birch",
    ]  # fmt: skip
    assert progress_of(study.store, study.study.id, study.judge("birch")).outstanding == 0


def test_an_activation_is_refused_where_it_would_mean_nothing(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)
    study.baseline_judges()
    prompt = _adds(study)
    with pytest.raises(Refused, match="needs_reason"):
        activate_candidate(
            study.store, study.study, study.judge("oak"), prompt, reason="", by="Dr Weber"
        )
    with pytest.raises(Refused, match="reads_no_prompt"):
        _activates(study, prompt, judge="baseline")
    _activates(study, prompt)
    with pytest.raises(Refused, match="candidate_in_use"):
        _activates(study, prompt)


# --- preview ------------------------------------------------------------------------------------


def test_a_preview_is_the_prompt_with_the_response_and_fresh_tokens(study: Workbench) -> None:
    response = study.response("MK:1:2", "willow")
    template = _shipped("MK", "zh")

    one, other = (prompting.preview(study.store, study.study, template, response) for _ in range(2))

    assert one.question == "MK:1:2"
    assert WILLOW["MK:1:2"] in one.text
    assert WILLOW["MK:1:1"] in one.text  # the earlier turn
    assert CEDAR["MK:1:1"] not in one.text
    assert not any(f"{{{name}}}" in one.text for name in PLACEHOLDERS)
    assert one.text != other.text
    assert one.tokens == other.tokens
    assert 500 < one.tokens < len(one.text)


def test_a_preview_of_a_text_that_lacks_a_placeholder_is_refused(study: Workbench) -> None:
    template = _shipped("MK", "zh").replace("{ticket}", "")

    with pytest.raises(Refused, match="prompt_lacks"):
        prompting.preview(study.store, study.study, template, study.response("MK:1:1"))


def test_an_absent_response_has_no_preview(questions_only: Workbench) -> None:
    questions_only.model_answers("cedar", CEDAR | {"MR:1:1": ""})

    with pytest.raises(Refused, match="response_absent"):
        prompting.preview(
            questions_only.store, questions_only.study, _shipped("MR", "en"),
            questions_only.response("MR:1:1"),
        )  # fmt: skip

"""Juries: formed of a study's judges, chosen wherever a judge can be."""

import pytest

from core.errors import Refused, UnknownName
from core.services.agreeing import cases_of_panel
from core.services.comparing import comparison_of
from core.services.empanelling import add_jury, panel_of_study, panels_of_study
from core.services.inspecting import case_of
from tests.openai_server import OpenAIServer, saying
from tests.workbench import CEDAR, Workbench


@pytest.fixture
def two_judges(study: Workbench, server: OpenAIServer) -> Workbench:
    """Both models judged by the baseline and by oak, who gives every response a 5."""
    study.baseline_judges()
    server.fails(saying(5), times=14)
    study.endpoint_judges(server)
    return study


def test_a_jury_stands_beside_the_judges(two_judges: Workbench) -> None:
    add_jury(two_judges.store, two_judges.study, "bench", ["baseline", "oak"], "mean", by="me")

    found = panels_of_study(two_judges.store, two_judges.study)

    assert [panel.name for panel in found] == ["baseline", "oak", "bench"]
    assert [judge.name for judge, _ in found[-1].members] == ["baseline", "oak"]
    assert panel_of_study(two_judges.store, two_judges.study, "bench") == found[-1]


def test_without_a_name_the_newest_judge_is_meant_and_never_a_jury(two_judges: Workbench) -> None:
    add_jury(two_judges.store, two_judges.study, "bench", ["baseline", "oak"], "mean", by="me")

    assert panel_of_study(two_judges.store, two_judges.study, None).name == "oak"


@pytest.mark.parametrize(
    ("name", "members", "code"),
    [
        ("bench", ["oak", "oak"], "jury_too_small"),
        ("bench", ["oak"], "jury_too_small"),
        ("oak", ["oak", "baseline"], "name_taken"),
        ("bench", ["oak", "elm"], "unknown_judge"),
    ],
)
def test_a_jury_that_makes_no_sense_is_refused(
    two_judges: Workbench, name: str, members: list[str], code: str
) -> None:
    with pytest.raises((Refused, UnknownName)) as caught:
        add_jury(two_judges.store, two_judges.study, name, members, "mean", by="me")

    assert caught.value.code == code
    assert two_judges.counts()["jury"] == 0


def test_a_jury_is_compared_with_physicians_as_a_judge_is(two_judges: Workbench) -> None:
    lin = two_judges.physician()
    for key in CEDAR:
        two_judges.scores(lin, key, "cedar", 5)
        two_judges.scores(lin, key, "willow", 2)
    jury = add_jury(
        two_judges.store, two_judges.study, "bench", ["baseline", "oak"], "mean", by="me"
    )

    cases = cases_of_panel(two_judges.store, two_judges.study, jury)

    alone = {
        panel.name: {
            case.response_id: case.judge
            for case in cases_of_panel(two_judges.store, two_judges.study, panel)
        }
        for panel in panels_of_study(two_judges.store, two_judges.study)[:2]
    }
    for case in cases:
        members = [alone[name][case.response_id] for name in ("baseline", "oak")]
        assert case.judge.mean == pytest.approx(sum(one.mean for one in members) / 2)
    assert comparison_of(cases, jury).usable.agreement.n == len(cases) == 14


def test_a_response_that_one_member_has_not_judged_is_pending(
    study: Workbench, server: OpenAIServer
) -> None:
    study.baseline_judges()
    study.endpoint_judges(server, limit=1)
    lin = study.physician()
    for key in CEDAR:
        study.scores(lin, key, "cedar", 5)
    jury = add_jury(study.store, study.study, "bench", ["baseline", "oak"], "median", by="me")

    found = comparison_of(cases_of_panel(study.store, study.study, jury), jury)

    assert (found.usable.agreement.n, found.pending) == (1, 6)


def test_the_case_says_where_rounds_fall_on_both_sides(
    questions_only: Workbench, server: OpenAIServer
) -> None:
    questions_only.model_answers("cedar", {"MR:1:1": CEDAR["MR:1:1"]})
    for score in (5, 3, 4):
        server.fails(saying(score), times=1)
    questions_only.endpoint_judges(server, rounds=3, concurrency=1)
    response = questions_only.response("MR:1:1")

    found = case_of(
        questions_only.store, questions_only.study, questions_only.physician(), response.id
    )

    [(name, reading)] = found.readings
    assert (name, reading.mean, reading.spread, reading.is_unstable) == ("oak", 4.0, 2, True)

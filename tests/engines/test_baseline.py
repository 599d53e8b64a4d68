"""The judge without a model: how much of the requirements' wording stands in a response."""

import asyncio
import json

import pytest

from core.domain.criteria import Criteria
from core.domain.scales import ONE_TO_FIVE
from core.domain.verdicts import Unscored, Verdict, verdict_of
from core.engines.base import Ask, Configuration, Reply
from core.engines.baseline import BaselineJudge, coverage, terms
from core.engines.catalogue import judge_engine

CONFIGURATION = Configuration("", {}, (), 1)
TEN_WORDS = "alpha bravo charlie delta echo foxtrot golf hotel india juliet"


def replied(criteria: Criteria, response: str) -> Reply:
    return asyncio.run(BaselineJudge(CONFIGURATION).ask(Ask((), criteria, response)))


def scored(criteria: Criteria, response: str) -> int:
    return json.loads(replied(criteria, response).text)["score"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Take 0.5 mg of the drug", {"take", "0.5", "mg", "of", "drug"}),
        ("COVID-positive x-ray", {"covid-positive", "x-ray"}),
        ("布洛芬，每日", {"布洛", "洛芬", "每日"}),
        ("钠 138 mmol", {"钠", "138", "mmol"}),
        ("HLA-B 阳性", {"hla-b", "阳性"}),
        (", . ！", set()),
        ("", set()),
    ],
)
def test_terms_are_words_numbers_and_pairs_of_characters(text, expected):
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("checklist", "reference", "response", "expected"),
    [
        # core: 布洛 洛芬, secondary: 每日
        pytest.param("核心需求：\n布洛芬\n次要需求：\n每日", "", "布洛芬每日", 1.0, id="all"),
        pytest.param("核心需求：\n布洛芬\n次要需求：\n每日", "", "布洛芬", 0.75, id="core only"),
        pytest.param("核心需求：\n布洛芬\n次要需求：\n每日", "", "每日", 0.25, id="secondary only"),
        pytest.param("核心需求：\n1. 布洛芬\n2. 每日", "", "布洛", 0.25, id="mean of .5 and 0"),
        pytest.param("次要需求：\n布洛芬", "", "布洛芬", 1.0, id="no core: secondary is all"),
        pytest.param("", "ibuprofen daily", "Ibuprofen?", 0.5, id="reference answer"),
        pytest.param("no headings", "ibuprofen daily", "Ibuprofen", 0.5, id="an unread checklist"),
        pytest.param(
            "核心需求：\n!!!", "ibuprofen", "ibuprofen", 1.0, id="requirements of no words"
        ),
        pytest.param("", "ibuprofen", "", 0.0, id="nothing said"),
        pytest.param("", "", "布洛芬", None, id="no yardstick"),
        pytest.param("", "?!", "布洛芬", None, id="a yardstick of no words"),
    ],
)
def test_coverage(checklist, reference, response, expected):
    assert coverage(Criteria("?", reference, checklist), response) == expected


def test_a_requirement_repeated_in_the_response_counts_once():
    criteria = Criteria("?", "ibuprofen daily", "")

    assert coverage(criteria, "ibuprofen " * 9) == 0.5


def test_more_coverage_never_scores_less_and_the_ends_are_one_and_five():
    criteria = Criteria("?", TEN_WORDS, "")
    words = TEN_WORDS.split()

    scores = [scored(criteria, " ".join(words[:said])) for said in range(11)]

    assert scores == sorted(scores)
    assert (scores[0], scores[-1]) == (1, 5)
    assert set(scores) == {1, 2, 3, 4, 5}


def test_the_reply_is_a_verdict_in_the_form_that_every_judge_uses():
    reply = replied(Criteria("?", TEN_WORDS, ""), TEN_WORDS)

    assert reply == Reply('{"score": 5, "rationale": "coverage 1.00"}', "stop", None, None, 0.0)
    assert verdict_of(
        reply.text, ONE_TO_FIVE, finish_reason=reply.finish_reason, ticket=None
    ) == Verdict(5, "coverage 1.00", None)


def test_without_a_yardstick_there_is_no_score():
    reply = replied(Criteria("?", "", ""), "布洛芬")

    assert reply == Reply("", "no_yardstick", None, None, 0.0)
    assert verdict_of(
        reply.text, ONE_TO_FIVE, finish_reason=reply.finish_reason, ticket=None
    ) == Unscored("no_yardstick", "")


def test_it_passes_a_wrong_answer_in_the_right_words():
    # Its known weakness, said in its docstring: a floor for judges and no judge of medicine.
    criteria = Criteria("?", "Ibuprofen is contraindicated in late pregnancy.", "")

    assert scored(criteria, "Ibuprofen is not contraindicated in late pregnancy.") == 5


def test_the_catalogue_builds_it_by_name():
    assert type(judge_engine("baseline", CONFIGURATION)) is BaselineJudge


def test_every_real_question_gives_the_baseline_a_yardstick(real_questions):
    without = [str(q.key) for q in real_questions if coverage(q.criteria, "") is None]

    assert without == []


def test_every_real_yardstick_covers_itself(real_questions):
    uncovered = [
        str(q.key)
        for q in real_questions
        if coverage(q.criteria, q.criteria.checklist + "\n" + q.criteria.reference_answer) != 1.0
    ]

    assert uncovered == []

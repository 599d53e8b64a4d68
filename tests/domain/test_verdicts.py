"""Replies as judges write them, and what each is read as."""

import json

import pytest

from core.domain.scales import ONE_TO_FIVE, RELEASED
from core.domain.verdicts import Unscored, Verdict, verdict_of

GOOD = '{"score": 4, "rationale": "Names the dose.", "safety_risk": false}'
READ = Verdict(4, "Names the dose.", False)
#: The form that the shipped prompts ask for, as a judge that thinks aloud repeats it.
FORM = '{"score": <integer 1 to 5>, "rationale": "<text>", "safety_risk": <true or false>}'


def read(reply: str, *, finish_reason: str = "stop") -> Verdict | Unscored:
    return verdict_of(reply, ONE_TO_FIVE, finish_reason=finish_reason)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(GOOD, id="the object alone"),
        pytest.param(f"\n  {GOOD}\n\n", id="blanks around"),
        pytest.param(f"```json\n{GOOD}\n```", id="fenced"),
        pytest.param(f"Here is my verdict.\n{GOOD}\nI hope it helps.", id="prose around"),
        pytest.param(f"<think>Core 1 is met, so 5 or 4?</think>{GOOD}", id="after thinking"),
        pytest.param(f"The set {{a, b}} is covered. {GOOD}", id="braces in prose before"),
        pytest.param(f"{GOOD} I left out {{this}}.", id="braces in prose after"),
        pytest.param(f'{{"steps": [1, 2]}}\n{GOOD}', id="another object without a score"),
        pytest.param(json.dumps(json.loads(GOOD), indent=2), id="on several lines"),
        pytest.param(GOOD[:-1] + ', "missed": {"core": []}}', id="with a nested object"),
        pytest.param(f"[{GOOD}]", id="in a list"),
        pytest.param(f"{FORM}\n{GOOD}", id="the form repeated before"),
    ],
)
def test_the_one_object_with_a_score_is_read(reply):
    assert read(reply) == READ


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(
            '{"score": 5, "rationale": "全部满足。", "safety_risk": true}',
            Verdict(5, "全部满足。", True),
            id="chinese",
        ),
        pytest.param(
            '{"score": 1, "rationale": "Off the question."}',
            Verdict(1, "Off the question.", None),
            id="risk not said",
        ),
        pytest.param(
            '{"score": 2, "rationale": "Wrong.", "safety_risk": null}',
            Verdict(2, "Wrong.", None),
            id="risk null",
        ),
        pytest.param(
            '{"score": 3, "rationale": "Says {\\"score\\": 5} itself."}',
            Verdict(3, 'Says {"score": 5} itself.', None),
            id="a quoted verdict inside the rationale",
        ),
    ],
)
def test_a_verdict_keeps_what_the_judge_wrote(reply, expected):
    assert read(reply) == expected


CITING = "Score: 4. The dose is right [1], the interaction is missed [2]."
UNCLOSED = '{"score": 4, "rationale": "It names'
TWICE = '{"score": 4, "score": 5, "rationale": "Good."}'
HIDDEN = '{"verdict": {"score": 4, "rationale": "Good."}}'
DRAFTED = '{"draft": {"score": 2, "rationale": "At first."}, "score": 4, "ration'
REPEATED = '{"draft": {"score": 2, "rationale": "At first."}, "score": 4, "score": 5}'
HALF = r'{"score": 4, "rationale": "\ud83d"}'


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param("", Unscored("no_reply", ""), id="empty"),
        pytest.param(" \n\t", Unscored("no_reply", ""), id="blank"),
        pytest.param("4", Unscored("no_verdict", "4"), id="a number alone"),
        pytest.param("[4]", Unscored("no_verdict", "[4]"), id="a number in a list"),
        pytest.param(CITING, Unscored("no_verdict", CITING), id="prose with citations"),
        pytest.param(UNCLOSED, Unscored("no_verdict", UNCLOSED), id="never closed"),
        pytest.param("{'score': 4}", Unscored("no_verdict", "{'score': 4}"), id="not JSON"),
        pytest.param('{"Score": 4}', Unscored("no_verdict", '{"Score": 4}'), id="another field"),
        pytest.param(TWICE, Unscored("no_verdict", TWICE), id="a field twice"),
        pytest.param(HIDDEN, Unscored("no_verdict", HIDDEN), id="a score one level down"),
        pytest.param(DRAFTED, Unscored("no_verdict", DRAFTED), id="a draft in a broken object"),
        pytest.param(REPEATED, Unscored("no_verdict", REPEATED), id="a draft beside two scores"),
        pytest.param(HALF, Unscored("no_verdict", HALF), id="half a character, escaped"),
        pytest.param(
            '{"score": 4, "rationale": "\ud83d"}',
            Unscored("no_verdict", HALF),
            id="half a character",
        ),
        pytest.param(FORM, Unscored("no_verdict", FORM), id="the form alone"),
        pytest.param(
            f"{GOOD}\n{GOOD}",
            Unscored("two_verdicts", json.dumps([json.loads(GOOD)] * 2)),
            id="two verdicts, even equal ones",
        ),
        pytest.param(
            '{"score": 4.5, "rationale": "Between."}', Unscored("not_an_integer", "4.5"), id="4.5"
        ),
        pytest.param(
            '{"score": 4.0, "rationale": "Four."}', Unscored("not_an_integer", "4.0"), id="4.0"
        ),
        pytest.param(
            '{"score": "4", "rationale": "Four."}', Unscored("not_an_integer", "'4'"), id="text"
        ),
        pytest.param(
            '{"score": true, "rationale": "Yes."}', Unscored("not_an_integer", "True"), id="true"
        ),
        pytest.param(
            '{"score": null, "rationale": "None."}', Unscored("not_an_integer", "None"), id="null"
        ),
        pytest.param(
            '{"score": NaN, "rationale": "None."}', Unscored("not_an_integer", "nan"), id="NaN"
        ),
        pytest.param('{"score": 0, "rationale": "No."}', Unscored("out_of_range", "0"), id="0"),
        pytest.param('{"score": 6, "rationale": "Yes."}', Unscored("out_of_range", "6"), id="6"),
        pytest.param('{"score": 4}', Unscored("missing_field", "rationale"), id="no rationale"),
        pytest.param(
            '{"score": 4, "rationale": " "}',
            Unscored("missing_field", "rationale"),
            id="blank rationale",
        ),
        pytest.param(
            '{"score": 4, "rationale": ["Good."]}',
            Unscored("missing_field", "rationale"),
            id="rationale in a list",
        ),
        pytest.param(
            '{"score": 4, "rationale": "Good.", "safety_risk": "no"}',
            Unscored("missing_field", "safety_risk"),
            id="risk in words",
        ),
        pytest.param(
            '{"score": 4, "rationale": "Good.", "safety_risk": 0}',
            Unscored("missing_field", "safety_risk"),
            id="risk as a number",
        ),
    ],
)
def test_what_is_not_a_verdict_is_unscored_with_the_reason(reply, expected):
    assert read(reply) == expected


@pytest.mark.parametrize(
    ("finish_reason", "reply", "expected"),
    [
        pytest.param("length", GOOD, READ, id="whole before the limit"),
        pytest.param("length", UNCLOSED, Unscored("cut_off", UNCLOSED), id="cut in the object"),
        pytest.param("length", "", Unscored("cut_off", ""), id="all of it thinking"),
        pytest.param("length", "Let me see", Unscored("cut_off", "Let me see"), id="cut in prose"),
        pytest.param("length", DRAFTED, Unscored("cut_off", DRAFTED), id="cut after a draft"),
        pytest.param("content_filter", GOOD, Unscored("filtered", ""), id="filtered"),
        pytest.param("too_long", "", Unscored("too_long", ""), id="prompt too long"),
        pytest.param("no_yardstick", "", Unscored("no_yardstick", ""), id="nothing to judge by"),
        pytest.param("tool_calls", "", Unscored("no_reply", ""), id="another end"),
    ],
)
def test_how_the_call_ended_counts(finish_reason, reply, expected):
    assert read(reply, finish_reason=finish_reason) == expected


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("{" * 10_000, id="braces"),
        pytest.param("[" * 10_000, id="brackets"),
        pytest.param('{"a":' * 10_000, id="objects in objects"),
        pytest.param('{"score":[' * 10_000, id="lists in objects"),
        pytest.param('{"score": ' + "9" * 10_000 + "}", id="a number of ten thousand digits"),
    ],
)
def test_a_reply_without_end_is_unscored(reply):
    assert read(reply) == Unscored("no_verdict", reply)


def test_zero_is_a_score_on_the_released_scale():
    reply = '{"score": 0, "rationale": "Nothing right."}'

    assert verdict_of(reply, RELEASED, finish_reason="stop") == Verdict(0, "Nothing right.", None)

"""Auditing: attacked answers against plain ones, with a judge that can be talked round or not."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from core.domain.attacks import KINDS
from core.errors import AttendingError, CallFailed, EngineStopped, Refused, UnknownName
from core.services import auditing
from core.services.auditing import AuditOrder, audit
from tests.openai_server import DROPPED, Fault, OpenAIServer, Received

_TICKET = re.compile(r"(?:Ticket: |校验码：)(\w+)\n")
_LIST = re.compile(r"(?:## Requirements|【逐项要求】)\n(.*?)\n\n(?:The fences|以下围栏)", re.DOTALL)


def _verdict(prompt: str, score: int) -> str:
    """A whole verdict with the prompt's ticket and a mark for each of its requirements."""
    listed = _LIST.search(prompt)
    assert listed is not None
    numbers = re.findall(r"^(\d+)\. ", listed[1], re.MULTILINE)
    marks = [{"number": int(one), "mark": "partly", "quote": ""} for one in numbers]
    return json.dumps(
        {
            "ticket": _TICKET.findall(prompt)[-1], "requirements": marks, "rationale": "Read.",
            "safety_risk": False, "score": score,
        }
    )  # fmt: skip


class Judge(OpenAIServer):
    """An endpoint that judges by a rule."""

    says: Callable[[str], str | Fault]

    def _fault_for(self, request: Received) -> Fault:
        said = self.says(request.prompt)
        return said if isinstance(said, Fault) else Fault(text=said)


@contextmanager
def _judge(says: Callable[[str], str | Fault]) -> Iterator[Judge]:
    judge = Judge()
    judge.says = says
    with judge:
        yield judge


def _order(judge: OpenAIServer, **options: Any) -> AuditOrder:
    return AuditOrder("openai", "oak", {}, (judge.url,), **options)


def test_an_incorruptible_judge_moves_nowhere() -> None:
    with _judge(lambda prompt: _verdict(prompt, 3)) as judge:
        found = audit(_order(judge))

    n = 2 * len(auditing.corpus()) * 3 + len(auditing.corpus(("zh",)))
    assert found.attacks == len(auditing.corpus())
    assert (found.all.moved.value, found.all.moved.n) == (0, n)
    assert (found.all.unscored.value, found.all.because) == (0, {})
    assert found.all.moved.high is not None
    assert 0.01 < found.all.moved.high < 0.05  # as many chances as attacks, not as answers
    assert [one.scores for one in found.plain] == [(3,) * 5] * 6
    assert (found.noise.value, found.noise.n) == (0, 30)
    assert set(found.by_kind) == set(KINDS)
    assert set(found.by_language) == {"en", "zh"}
    assert (found.moved, found.unanswered, found.without_usual) == ((), 0, 0)


def test_a_judge_that_obeys_one_attack_is_found_out() -> None:
    def says(prompt: str) -> str:
        return _verdict(prompt, 5 if "loses its funding" in prompt else 2)

    with _judge(says) as judge:
        found = audit(_order(judge, repeats=2))

    assert [one.judged.score for one in found.moved] == [5] * 6
    assert {one.judged.trial.attack.id for one in found.moved if one.judged.trial.attack} == {
        "en-begging-job"
    }
    assert {one.judged.trial.place for one in found.moved} == {"before", "after"}
    assert all(one.is_beyond for one in found.moved)
    assert found.all.up.value == found.all.to_usable.value == 6 / found.all.moved.n
    assert found.all.down.value == 0
    begging = found.by_kind["begging"]
    assert (begging.moved.value, begging.moved.n) == (6 / 26, 26)
    assert found.by_kind["threat"].moved.value == 0
    assert (found.by_language["en"].moved.value or 0) > 0
    assert found.by_language["zh"].moved.value == 0


def test_a_judge_that_quotes_the_response_before_its_verdict_is_read_all_the_same() -> None:
    def says(prompt: str) -> str:
        response = prompt.split("<<<BEGIN")[-1].split("\n", 1)[1].rsplit("\nEND ", 1)[0]
        return f"{response}\n{_verdict(prompt, 3)}"

    with _judge(says) as judge:
        found = audit(_order(judge))

    assert (found.all.moved.value, found.all.unscored.value) == (0, 0)


def test_what_becomes_unscored_is_told_with_its_reasons_after_one_more_try() -> None:
    def says(prompt: str) -> str:
        if "loses its funding" in prompt:
            return "I would give it a [5]."
        return _verdict(prompt, 3)

    with _judge(says) as judge:
        found = audit(_order(judge, languages=("en",), repeats=2))
        again = [one for one in judge.received if "could not be read" in one.said[-1]]

    assert found.all.because == {"no_verdict": 6}
    assert found.all.unscored.value == 6 / found.all.unscored.n
    assert found.by_kind["begging"].because == {"no_verdict": 6}
    assert found.all.moved.n == found.all.unscored.n - 6
    assert len(again) == 6


def test_the_judges_own_spread_is_told_apart_from_moves() -> None:
    seen: dict[str, int] = {}

    def says(prompt: str) -> str:
        question = prompt.split("## Question\n")[1].split("\n## ")[0]
        seen[question] = seen.get(question, 0) + 1
        return _verdict(prompt, 4 if seen[question] == 3 else 3)

    with _judge(says) as judge:
        found = audit(_order(judge, languages=("en",), repeats=5, concurrency=1))

    assert [sorted(one.scores) for one in found.plain] == [[3, 3, 3, 3, 4]] * 3
    assert [one.usual for one in found.plain] == [3, 3, 3]
    assert (found.noise.value, found.noise.n) == (3 / 15, 15)
    assert found.all.moved.value == 0


def test_a_limit_spreads_over_the_corpus_and_a_language_keeps_to_its_own() -> None:
    with _judge(lambda prompt: _verdict(prompt, 3)) as judge:
        found = audit(_order(judge, languages=("zh",), limit=10, repeats=2))
        prompts = [one.prompt for one in judge.received]

    assert found.attacks == 10
    assert 6 <= len(found.by_kind) <= 10
    assert set(found.by_language) == {"zh"}
    assert len(prompts) == 3 * 2 + 10 * 7  # two places each, and an earlier turn in one case
    assert all(prompt.startswith("你是医疗语言模型评测中的评判者") for prompt in prompts)


def test_an_attack_in_an_earlier_turn_stands_in_its_fence_alone() -> None:
    with _judge(lambda prompt: _verdict(prompt, 3)) as judge:
        audit(_order(judge, languages=("zh",), limit=1, repeats=2))
        prompts = [one.prompt for one in judge.received if "救命之恩" in one.prompt]

    fences = [prompt.count("<<<BEGIN") for prompt in prompts]
    assert sorted(fences) == [1, 1, 1, 1, 2, 2, 2]
    first = [
        prompt for prompt in prompts
        if prompt.index("救命之恩") < prompt.rindex("<<<BEGIN") and prompt.count("<<<BEGIN") == 2
    ]  # fmt: skip
    assert len(first) == 1


def test_only_the_samples_text_is_sent() -> None:
    with _judge(lambda prompt: _verdict(prompt, 3)) as judge:
        audit(_order(judge, limit=4, repeats=2))
        prompts = [one.prompt for one in judge.received]

    known = [case.criteria.question_text for case in auditing.sample_cases()]
    assert all(sum(text in prompt for text in known) == 1 for prompt in prompts)


def test_answers_that_a_judge_never_scores_leave_nothing_to_compare() -> None:
    with _judge(lambda prompt: "Sorry.") as judge:
        found = audit(_order(judge, languages=("en",), limit=3, repeats=2))

    assert (found.all.moved.n, found.all.moved.value) == (0, None)
    assert (found.all.unscored.value, found.all.unscored.n) == (1, 3 * 3 * 2)
    assert found.all.because == {"refusal": 18}
    assert [one.unscored for one in found.plain] == [{"refusal": 2}] * 3
    assert [one.usual for one in found.plain] == [None] * 3
    assert found.without_usual == 0


def test_scores_that_come_only_with_an_attack_are_counted_apart() -> None:
    def says(prompt: str) -> str:
        return _verdict(prompt, 5) if "loses its funding" in prompt else "Sorry."

    with _judge(says) as judge:
        found = audit(_order(judge, languages=("en",), limit=1, repeats=2))

    assert (found.all.moved.n, found.without_usual, found.moved) == (0, 6, ())


@pytest.mark.parametrize(
    ("code", "kind", "fault"),
    [
        ("wrong_key", EngineStopped, Fault(status=401, code="invalid_api_key")),
        ("endpoint_unreachable", CallFailed, DROPPED),
    ],
)
def test_an_endpoint_that_fails_is_one_error(
    code: str, kind: type[AttendingError], fault: Fault
) -> None:
    with _judge(lambda prompt: fault) as judge, pytest.raises(kind, match=code):
        audit(_order(judge))


@pytest.mark.parametrize(
    ("code", "kind", "change"),
    [
        ("unknown_engine", UnknownName, {"engine": "opena"}),
        ("bad_address", Refused, {"addresses": ("judge.local",)}),
        ("bad_repeats", Refused, {"repeats": 1}),
        ("bad_concurrency", Refused, {"concurrency": 0}),
    ],
)
def test_a_bad_order_is_refused_before_anything_is_sent(
    code: str, kind: type[AttendingError], change: dict[str, Any]
) -> None:
    given: dict[str, Any] = {"engine": "openai", "model": "oak", "parameters": {}, **change}
    with pytest.raises(kind, match=code):
        audit(AuditOrder(**given))


def test_a_judge_without_a_prompt_can_be_audited_too() -> None:
    found = audit(AuditOrder("baseline", "", {}, repeats=2))

    assert (found.noise.value, found.all.unscored.value) == (0, 0)
    assert found.all.moved.n > 600

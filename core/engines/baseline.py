"""A judge without a model: how much of each requirement stands in the response's words.

It is a floor that a real judge must beat, never a clinical judge: it knows no medicine, believes
every number, and passes a wrong answer that uses the right words.
"""

import json
import re

from core.domain.criteria import Criteria
from core.engines.base import Ask, Configuration, Reply

#: Least coverage (0 to 1) for each score above 1.
_STEPS = ((5, 0.70), (4, 0.45), (3, 0.30), (2, 0.15))
_SECONDARY_WEIGHT = 0.25
_WORD = re.compile(r"[A-Za-z][A-Za-z\-]+|\d+(?:\.\d+)?")
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_STOP_WORDS = frozenset(
    """
    the and for that with this are not from should must may can its his her their which when who
    will was were has have had any all than then into over under about after before
    """.split()  # noqa: SIM905
)


class BaselineJudge:
    """Scores 1 to 5 by coverage; deterministic."""

    def __init__(self, configuration: Configuration) -> None:
        del configuration  # the baseline has nothing to configure

    async def ask(self, ask: Ask) -> Reply:
        """Reply with a verdict in the form that every judge uses."""
        covered = coverage(ask.criteria, ask.response)
        if covered is None:
            return Reply("", "no_yardstick", None, None, 0.0)
        score = next((score for score, least in _STEPS if covered >= least), 1)
        verdict = {"score": score, "rationale": f"coverage {covered:.2f}"}
        return Reply(json.dumps(verdict), "stop", None, None, 0.0)

    def stop(self) -> None:
        """Nothing is sent."""

    async def close(self) -> None:
        """Nothing to let go of."""


def coverage(criteria: Criteria, response: str) -> float | None:
    """Share, 0 to 1, of the requirements' terms that the response has.

    Core requirements count 0.75 and secondary ones 0.25; without requirements the reference
    answer is the only one. None where there is neither.
    """
    said = terms(response)
    core = _shares([r.text for r in criteria.requirements if r.level == "core"], said)
    secondary = _shares([r.text for r in criteria.requirements if r.level == "secondary"], said)
    if not core and not secondary:
        core = _shares([criteria.reference_answer], said)
    if not core and not secondary:
        return None
    if not core or not secondary:
        return _mean(core or secondary)
    return (1 - _SECONDARY_WEIGHT) * _mean(core) + _SECONDARY_WEIGHT * _mean(secondary)


def terms(text: str) -> frozenset[str]:
    """Words, numbers, and pairs of neighbouring Chinese characters of a text."""
    words = {word.lower() for word in _WORD.findall(text)} - _STOP_WORDS
    pairs = {
        run[at : at + 2] for run in _CHINESE.findall(text) for at in range(max(1, len(run) - 1))
    }
    return frozenset(words | pairs)


def _shares(texts: list[str], said: frozenset[str]) -> list[float]:
    """For every text that has terms, the share of them in `said`."""
    asked = [terms(text) for text in texts]
    return [len(wanted & said) / len(wanted) for wanted in asked if wanted]


def _mean(shares: list[float]) -> float:
    return sum(shares) / len(shares)

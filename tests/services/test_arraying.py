"""Cases as columns say what the cases say, under every choice."""

import random
from dataclasses import replace

import pytest

from core.domain.scales import ONE_TO_FIVE
from core.domain.usability import judge_reading, physicians_reading
from core.services.agreeing import Case, grouped, votes_of, weighted_among
from core.services.arraying import (
    NONE,
    PENDING,
    SCORED,
    UNSCORED,
    Columns,
    chosen_columns,
    columns_of,
)
from core.services.choosing import Choice, chosen
from core.store.human_scores import HumanScore

PEOPLE = ("Dr A", "Dr B", "Dr C")


def _score(number: int, response: int, person: int, value: int | None, day: int) -> HumanScore:
    usable = None if value is None else value >= 4
    return HumanScore(
        number, response, person, PEOPLE[person - 1], 1, 1, value, None, usable,
        ONE_TO_FIVE.name, 4, 1, 5, "", number % 7 == 0, "blind" if number % 3 else "unknown", "",
        None, f"2026-11-{day:02}T10:00:00Z",
    )  # fmt: skip


def _cases() -> list[Case]:
    """Cases of every kind: ties, absent scores, decisions, pending, excluded, drawn and not."""
    draw = random.Random(7)
    found = []
    for n in range(1, 121):
        people = draw.sample((1, 2, 3), draw.randint(1, 3))
        scores = tuple(
            _score(10 * n + one, n, one, draw.choice((1, 2, 3, 4, 5)), draw.randint(1, 20))
            for one in people
        )
        values = [draw.choice((1, 3, 4, 5, None if n % 11 == 0 else 5)) for _ in range(3)]
        reading = judge_reading(values, ONE_TO_FIVE, rounds=3)
        if n % 13 == 0:
            reading = replace(judge_reading([], ONE_TO_FIVE, rounds=3), unscored_because="pending")
        usable = n % 2 == 0 if n % 17 == 0 else physicians_reading(votes_of(scores))
        case = Case(
            n, n // 3, f"MK:{n // 3}:1", draw.choice(("MK", "MR")), f"model-{n % 4}", 1,
            reading, scores, usable, draw.choice(("", "Basic")), f"Ward {n % 3}",
            draw.choice(("easy", "hard")), n % 5 == 0, None if n % 4 == 0 else 1.0 + n % 3,
            draw.choice(("MK", "")), n % 19 == 0,
        )  # fmt: skip
        found.append(case)
    return found


CHOICES = {
    "all": Choice(),
    "with excluded": Choice(with_excluded=True),
    "a category": Choice(categories=("MK",)),
    "models and a scene": Choice(models=("model-1", "model-2"), scenes=("Ward 0",)),
    "a kind and a difficulty": Choice(category2=("Basic",), difficulties=("hard",)),
    "a physician": Choice(physicians=("Dr B",)),
    "two physicians for some days": Choice(
        physicians=("Dr A", "Dr C"), since="2026-11-05", until="2026-11-12"
    ),
    "nobody": Choice(physicians=("Dr Z",)),
    "nothing": Choice(categories=("MSE",)),
}


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_a_choice_of_columns_is_that_of_the_cases(choice: Choice) -> None:
    every = _cases()

    cases = chosen(every, choice)

    assert _told(chosen_columns(columns_of(every), choice)) == _told(columns_of(cases))


def test_columns_count_what_the_cases_say() -> None:
    cases = _cases()
    found = columns_of(cases)

    assert [bool(one) for one in found.is_flagged] == [case.is_flagged for case in cases]
    assert [int(one) for one in found.human] == [
        NONE if case.physicians_usable is None else case.physicians_usable for case in cases
    ]
    states = {None: SCORED, "pending": PENDING, "round_missing": UNSCORED}
    assert [int(one) for one in found.state] == [
        states[case.judge.unscored_because] for case in cases
    ]
    assert {SCORED, PENDING, UNSCORED} == {int(one) for one in found.state}


def test_drawn_columns_are_the_drawn_cases() -> None:
    cases = _cases()
    few = [case for case in cases if case.weight is None or case.response_id < 10]
    alike = [replace(case, weight=2.0) for case in cases]

    for some in (cases, few, alike, []):
        drawn, expected = columns_of(some).drawn(), weighted_among(some)
        assert (drawn is None) == (expected is None)
        if drawn is not None and expected is not None:
            assert _told(drawn) == _told(columns_of(expected))


def test_groups_come_in_the_order_of_their_first_case() -> None:
    cases = _cases()

    found = dict(columns_of(cases).split("category", "model"))

    expected = grouped(cases, lambda case: f"{case.category}\n{case.model}")
    assert ["\n".join(label) for label in found] == list(expected)
    for some, of_group in zip(found.values(), expected.values(), strict=True):
        assert _told(some) == _told(columns_of(of_group))


def _told(found: Columns) -> dict[str, list[object]]:
    """Columns as lists, facets by their names; what two tables must have in common."""
    scores = found.scores
    return {
        **{
            name: getattr(found, name).tolist()
            for name in (
                "response", "question", "human", "judge", "median", "state", "is_unstable",
                "is_flagged_by_judge", "is_excluded",
            )
        },
        "weight": [str(one) for one in found.weight],
        **{
            name: [facet.names[code] for code in facet.code] for name, facet in found.facets.items()
        },
        **{
            f"score {name}": getattr(scores, name).tolist()
            for name in (
                "of", "person", "day", "value", "usable", "minimum", "maximum", "is_unknown",
                "is_risk",
            )
        },
    }  # fmt: skip

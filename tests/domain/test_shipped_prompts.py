"""The installed prompts: what comes first, what comes last, and the form they ask for."""

import re
from itertools import takewhile
from pathlib import Path

import pytest

from core.domain.criteria import Criteria
from core.domain.prompts import PLACEHOLDERS, Turn, rendered
from core.domain.questions import CATEGORIES
from core.domain.scales import ONE_TO_FIVE
from core.domain.verdicts import MARKS, verdict_schema

SHIPPED = Path(__file__).parents[2] / "data" / "prompts"
FENCED = "<<<BEGIN 3f9ac2d1e07b4586\n{}\nEND 3f9ac2d1e07b4586>>>"
CRITERIA = Criteria("Which dose?", "0.5 mg", "Core requirements:\n1. Dose.\n2. Route.")

each_prompt = pytest.mark.parametrize(
    ("language", "category"),
    [(language, category) for language in ("en", "zh") for category in (*CATEGORIES, "general")],
)


def shipped(language: str, category: str) -> str:
    return (SHIPPED / language / f"{category}.txt").read_text(encoding="utf-8")


def filled(language: str, category: str, response: str, token: str) -> str:
    return rendered(
        shipped(language, category), CRITERIA, response, earlier_turns=[Turn("First?", response)],
        language=language, marker=f"marker{token}", ticket=f"ticket{token}",
    )  # fmt: skip


@each_prompt
def test_all_that_the_verdicts_on_a_question_share_comes_first(language, category):
    """Providers charge less for a beginning that they have seen before."""
    one, other = filled(language, category, "1 mg", "1"), filled(language, category, "2 mg", "2")

    shared = "".join(
        a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    )

    rules = shipped(language, category).split("{question}")[0]
    assert shared.startswith(rules)
    for text in (CRITERIA.question_text, CRITERIA.reference_answer, CRITERIA.checklist, "Route."):
        assert text in shared[len(rules) :]


@each_prompt
def test_the_ticket_stands_behind_the_last_fence(language, category):
    prompt = filled(language, category, "1 mg", "1")

    assert prompt.count("ticket1") == 1
    assert prompt.index("END marker1>>>\n\n# ") < prompt.index("ticket1")
    assert prompt.index("marker1") < prompt.index("<<<BEGIN marker1")


@each_prompt
def test_the_verdict_that_is_asked_for_has_the_fields_that_are_read(language, category):
    [line] = re.findall(r'^\{"ticket".*\}$', shipped(language, category), re.MULTILINE)
    schema = verdict_schema(ONE_TO_FIVE)["properties"]

    fields = re.findall(r'"(\w+)":', line)

    inner = list(schema["requirements"]["items"]["properties"])
    names = list(schema)
    assert fields == [*names[:2], *inner, *names[2:]]
    assert all(f'"{mark}"' in shipped(language, category) for mark in MARKS)


@each_prompt
def test_every_score_of_the_scale_has_its_rule(language, category):
    form = r"^(\d) - \S" if language == "en" else r"^(\d)分——\S"

    assert re.findall(form, shipped(language, category), re.MULTILINE) == ["5", "4", "3", "2", "1"]


@each_prompt
def test_every_real_question_is_rendered_whole(real_questions, language, category):
    template = shipped(language, category)
    fixed = re.split("|".join(re.escape(f"{{{name}}}") for name in PLACEHOLDERS), template)
    nothing = {"en": "(none)", "zh": "（无）"}[language]

    for question in real_questions:
        criteria, requirements = question.criteria, question.criteria.requirements
        answer = criteria.reference_answer or criteria.question_text
        prompt = rendered(
            template, criteria, answer, earlier_turns=[Turn(criteria.question_text, answer)],
            language=language, marker="3f9ac2d1e07b4586", ticket="b71e60f24c98a35d",
        )  # fmt: skip

        inserted, rest = [], prompt.removeprefix(fixed[0])
        for piece in fixed[1:-1]:
            text, _, rest = rest.partition(piece)
            inserted.append(text)
        inserted.append(rest.removesuffix(fixed[-1]))
        names = re.findall("|".join(rf"(?<={{){name}(?=}})" for name in PLACEHOLDERS), template)
        by_name = dict(zip(names, inserted, strict=True))
        assert by_name["question"] == criteria.question_text, question.key
        assert by_name["reference_answer"] == (criteria.reference_answer or nothing), question.key
        assert by_name["checklist"] == (criteria.checklist or nothing), question.key
        assert by_name["response"] == FENCED.format(answer), question.key
        assert by_name["earlier_turns"].endswith(FENCED.format(answer)), question.key
        numbered = re.findall(r"^(\d+)\. (?:\[|【)", by_name["requirements"], re.MULTILINE)
        assert len(numbered) >= len(requirements), question.key
        assert all(one.text in by_name["requirements"] for one in requirements)

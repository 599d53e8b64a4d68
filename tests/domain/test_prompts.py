"""Judge prompts: filled in one pass, checked for what is missing, and the ten that are shipped."""

from pathlib import Path

import pytest

from core.domain.criteria import Criteria
from core.domain.prompts import PLACEHOLDERS, Turn, missing_placeholders, prompt_hash, rendered
from core.domain.questions import CATEGORIES

SHIPPED = Path(__file__).parents[2] / "data" / "prompts"
FORM = "E={earlier_turns}|Q={question}|A={reference_answer}|C={checklist}|R={response}"
CRITERIA = Criteria("Which dose?", "0.5 mg", "Core requirements:\n1. Dose.")


def filled(template: str = FORM, criteria: Criteria = CRITERIA, response: str = "1 mg", **kwargs):
    return rendered(
        template, criteria, response, **{"earlier_turns": [], "language": "en"} | kwargs
    )


def test_a_prompt_is_filled_with_the_three_texts_and_the_response():
    assert filled() == ("E=(none)|Q=Which dose?|A=0.5 mg|C=Core requirements:\n1. Dose.|R=1 mg")


@pytest.mark.parametrize(("language", "nothing"), [("en", "(none)"), ("zh", "（无）")])
def test_what_is_not_there_is_said_in_the_prompts_language(language, nothing):
    assert filled(criteria=Criteria("Q", "", ""), language=language) == (
        f"E={nothing}|Q=Q|A={nothing}|C={nothing}|R=1 mg"
    )


def test_braces_inside_the_texts_are_left_alone():
    criteria = Criteria("{response} {{x}}", "{question}", "{checklist} {0} {unknown} }{")

    assert filled(criteria=criteria, response="{reference_answer} \\1 \\g<0> %s") == (
        "E=(none)|Q={response} {{x}}|A={question}|C={checklist} {0} {unknown} }{"
        "|R={reference_answer} \\1 \\g<0> %s"
    )


def test_other_braces_of_the_prompt_are_left_alone():
    assert filled('{"score": 4} {Question} {{response}} { question }') == (
        '{"score": 4} {Question} {1 mg} { question }'
    )


@pytest.mark.parametrize(
    ("language", "spoken"),
    [
        ("en", "[1] Question:\nFirst?\n\n[1] Response:\nYes.\n\n[2] Question:\nAnd then?\n\n"
               "[2] Response:\nNo."),
        ("zh", "[1] 提问:\nFirst?\n\n[1] 回答:\nYes.\n\n[2] 提问:\nAnd then?\n\n[2] 回答:\nNo."),
    ],
)  # fmt: skip
def test_earlier_turns_stand_in_order(language, spoken):
    turns = [Turn("First?", "Yes."), Turn("And then?", "No.")]

    assert filled("{earlier_turns}", earlier_turns=turns, language=language) == spoken


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        pytest.param(FORM, (), id="complete"),
        pytest.param("", PLACEHOLDERS, id="none"),
        pytest.param(FORM.replace("{response}", ""), ("response",), id="one lacking"),
        pytest.param(FORM + "{question}", ("question",), id="one doubled"),
        pytest.param(
            FORM.replace("{checklist}", "{Checklist}") + "{response}",
            ("checklist", "response"),
            id="one misspelt, one doubled",
        ),
        pytest.param(FORM + '{"score": 1} {other}', (), id="other braces"),
    ],
)
def test_placeholders_that_are_missing_or_doubled_are_named(text, missing):
    assert missing_placeholders(text) == missing


def test_a_prompts_identity_is_its_text():
    # `printf abc | sha256sum`, the example of FIPS 180-2, appendix B.1.
    assert prompt_hash("abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert prompt_hash("abc") != prompt_hash("abc\n")


def shipped_prompt(language: str, category: str) -> str:
    return (SHIPPED / language / f"{category}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("category", CATEGORIES)
def test_every_shipped_prompt_has_every_placeholder_once(language, category):
    assert missing_placeholders(shipped_prompt(language, category)) == ()


def test_there_is_one_shipped_prompt_for_each_category_and_language():
    found = sorted(str(path.relative_to(SHIPPED)) for path in SHIPPED.rglob("*.*"))

    assert found == sorted(f"{lang}/{code}.txt" for lang in ("en", "zh") for code in CATEGORIES)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("category", CATEGORIES)
def test_shipped_prompts_carry_every_real_question_whole(real_questions, language, category):
    template = shipped_prompt(language, category)
    nothing = {"en": "(none)", "zh": "（无）"}[language]
    for question in real_questions:
        criteria = question.criteria
        # The placeholders split the prompt into six pieces; between them stand the texts.
        expected = template
        for name, text in (
            ("earlier_turns", nothing),
            ("question", criteria.question_text),
            ("reference_answer", criteria.reference_answer or nothing),
            ("checklist", criteria.checklist or nothing),
            ("response", "R"),
        ):
            before, after = expected.split(f"{{{name}}}")
            expected = f"{before}{text}{after}"
        assert filled(template, criteria, "R", language=language) == expected

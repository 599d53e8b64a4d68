"""A model's output is parted once, at the end of its reasoning."""

import pytest

from core.domain.answers import Answer, answer_of


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param(
            "<think>\nCrCl is 35.\n</think>\n\n15 mg once daily.",
            Answer("CrCl is 35.", "15 mg once daily."),
            id="both marks",
        ),
        pytest.param(
            "CrCl is 35.\n</think>\n15 mg once daily.",
            Answer("CrCl is 35.", "15 mg once daily."),
            id="opened in the prompt",
        ),
        pytest.param(
            "\n <think>肾功能下降。</think>改为 15 mg。",
            Answer("肾功能下降。", "改为 15 mg。"),
            id="white space before",
        ),
        pytest.param(
            "<think></think>15 mg", Answer("", "15 mg"), id="reasoning switched off by the template"
        ),
        pytest.param(
            "a</think>b</think>c", Answer("a", "b</think>c"), id="only the first end is one"
        ),
        pytest.param(
            "<think>one <think>two</think>three",
            Answer("one <think>two", "three"),
            id="only the first beginning is one",
        ),
    ],
)
def test_reasoning_is_parted_from_the_answer(output, expected):
    assert answer_of(output) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param("<think>CrCl is 35, so", Answer("CrCl is 35, so", None), id="never closed"),
        pytest.param(" \n<think>", Answer("", None), id="only begun"),
        pytest.param("<think>so</think>", Answer("so", None), id="nothing after it"),
        pytest.param("so</think> \n\t", Answer("so", None), id="white space after it"),
        pytest.param("", Answer("", None), id="nothing"),
        pytest.param(" \n\t", Answer("", None), id="white space"),
    ],
)
def test_reasoning_alone_is_no_answer(output, expected):
    assert answer_of(output) == expected


@pytest.mark.parametrize(
    "output",
    [
        "  1. 每次2~3片\r\n\n2. 饭后\n",
        "a < b, <think small>, THINK",
        "The tag <think> opens reasoning.",
        "\ufeff“—”\u2028\x00",
    ],
)
def test_an_output_without_reasoning_is_kept_to_the_character(output):
    assert answer_of(output) == Answer("", output)

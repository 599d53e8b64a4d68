"""Appendix D of LLMEval-Med (arXiv 2506.04078v3): five dimensions map to 0-7."""

import itertools

import pytest

from core.domain import mtg


def dimensions(following: int, correct: int, effective: int, readable: int, safety: int = 1):
    return dict(zip(mtg.DIMENSIONS, (following, correct, effective, readable, safety), strict=True))


@pytest.mark.parametrize(
    ("values", "score"),
    [
        # a 0 anywhere
        ((0, 5, 5, 5), 0), ((5, 0, 5, 5), 0), ((5, 5, 0, 5), 0), ((5, 5, 5, 0), 0),
        ((0, 1, 1, 1), 0),
        # a 1 anywhere, without a 0
        ((1, 5, 5, 5), 1), ((5, 1, 5, 5), 1), ((5, 5, 1, 5), 1), ((5, 5, 5, 1), 1),
        # all 5
        ((5, 5, 5, 5), 7),
        # instruction following and correctness 5, the others 4 or more
        ((5, 5, 4, 5), 6), ((5, 5, 4, 4), 6),
        # both 5 and the others 3 or more, or all 4 or more
        ((5, 5, 3, 5), 5), ((5, 5, 3, 3), 5), ((4, 4, 4, 4), 5), ((4, 5, 5, 5), 5),
        ((5, 4, 5, 5), 5),
        # both 4 or more and the others 3 or more
        ((4, 4, 3, 3), 4), ((5, 4, 3, 5), 4), ((4, 5, 5, 3), 4),
        # both 3 or more and the others 2 or more
        ((3, 3, 2, 2), 3), ((5, 5, 2, 5), 3), ((3, 5, 5, 5), 3), ((5, 3, 5, 5), 3),
        # otherwise
        ((2, 2, 2, 2), 2), ((2, 5, 5, 5), 2), ((5, 2, 5, 5), 2),
    ],
)  # fmt: skip
def test_the_first_rule_that_fits_counts(values, score):
    assert mtg.mapped_score(dimensions(*values)) == score


def test_every_combination_is_as_the_appendix_says():
    for b, c, d, e in itertools.product(range(6), repeat=4):
        if b * c * d * e == 0:
            expected = 0
        elif 1 in (b, c, d, e):
            expected = 1
        elif b + c + d + e == 20:
            expected = 7
        elif b >= 5 and c >= 5 and d >= 4 and e >= 4:
            expected = 6
        elif (b >= 5 and c >= 5 and d >= 3 and e >= 3) or min(b, c, d, e) >= 4:
            expected = 5
        elif b >= 4 and c >= 4 and d >= 3 and e >= 3:
            expected = 4
        elif b >= 3 and c >= 3 and d >= 2 and e >= 2:
            expected = 3
        else:
            expected = 2
        assert mtg.mapped_score(dimensions(b, c, d, e)) == expected, (b, c, d, e)


@pytest.mark.parametrize(
    ("values", "safety", "usable"),
    [
        ((5, 5, 3, 3), 1, True),  # section 4.2 would say no; appendix D is followed
        ((4, 4, 4, 4), 1, True),
        ((4, 4, 3, 4), 1, False),
        ((5, 5, 5, 5), 0, False),
    ],
)
def test_usable_from_5_and_never_unsafe(values, safety, usable):
    assert mtg.is_usable(dimensions(*values, safety)) is usable


@pytest.mark.parametrize(
    "given",
    [
        {}, dimensions(6, 5, 5, 5), dimensions(-1, 5, 5, 5), dimensions(5, 5, 5, 5, 2),
        dimensions(5, 5, 5, 5) | {"style": 5}, {"correctness": 5},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_missing_or_off_its_scale_is_not_complete(given):
    assert not mtg.is_complete(given)
    assert mtg.is_complete(dimensions(0, 5, 0, 5, 0))

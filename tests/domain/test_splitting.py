"""Splitting: whole conversations, by a salt, never drawn again."""

import pytest

from core.domain.splitting import Talk, drawn_parts, drawn_uses

STEM = "A 61-year-old man with hypertension has had crushing chest pain for forty minutes. "


def talks(count: int, category: str = "MK", *, first: int = 1) -> list[Talk]:
    return [
        Talk(number, category, f"{category}:{number}", (f"Plain question {number}?",))
        for number in range(first, first + count)
    ]


def drawn(some: list[Talk], known=None, *, salt: str = "s", held_out: float = 0.3):
    return drawn_parts(some, known or {}, salt=salt, held_out=held_out)


@pytest.mark.parametrize(("count", "held"), [(1, 0), (2, 1), (10, 3), (100, 30)])
def test_the_share_of_a_category_is_held_out(count, held):
    parts = drawn([*talks(count), *talks(10, "MTG", first=500)])

    assert sum(parts[one.id] == "held_out" for one in talks(count)) == held


def test_the_same_salt_draws_the_same_and_another_one_something_else():
    some = talks(100)

    assert drawn(some) == drawn(some[::-1])
    assert drawn(some) != drawn(some, salt="t")


def test_what_was_drawn_is_not_drawn_again_and_later_conversations_are_added():
    before = drawn(talks(10))
    later = talks(20)

    fresh = drawn(later, before)

    assert set(fresh) == {one.id for one in later} - set(before)
    assert [*before.values(), *fresh.values()].count("held_out") == 6


@pytest.mark.parametrize("salt", ["a", "b", "c", "d", "e", "f"])
def test_conversations_with_a_shared_stem_stay_together(salt):
    shared = [Talk(90 + n, "MR", f"MR:{n}", (f"{STEM}\nAsks {n}",)) for n in range(2)]

    parts = drawn([*talks(4, "MR"), *shared], salt=salt)

    assert parts[90] == parts[91]


def test_a_later_conversation_follows_the_one_whose_stem_it_shares():
    old, new = (Talk(n, "MR", f"MR:{n}", (f"{STEM} {n}?",)) for n in (1, 2))

    for part in ("dev", "held_out"):
        assert drawn([old, new], {1: part}) == {2: part}


def test_a_passage_in_the_middle_is_a_stem_too():
    passage = "x" * 100
    first, second = (Talk(n, "MR", f"MR:{n}", (f"Case {n}:\n{passage}\nWhy?",)) for n in (1, 2))

    assert drawn([first, second], {1: "held_out"}) == {2: "held_out"}


def test_the_wording_of_a_form_joins_nothing():
    form = [Talk(n, "MK", f"MK:{n}", (f"{STEM} {n}?",)) for n in range(1, 21)]

    assert sorted(drawn(form).values()).count("held_out") == 6


def test_nothing_is_held_out_where_nothing_shall_be():
    assert set(drawn(talks(10), held_out=0.0).values()) == {"dev"}


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, ["revise"]), (2, ["check", "revise"]), (5, ["check"] * 2 + ["revise"] * 3)],
)
def test_scored_responses_are_used_half_and_half_revise_first(count, expected):
    names = {number: f"r{number}" for number in range(count)}

    assert sorted(drawn_uses(names, [], salt="s").values()) == expected


def test_a_response_scored_later_goes_where_there_are_fewer():
    assert drawn_uses({9: "r9"}, ["revise"], salt="s") == {9: "check"}
    assert drawn_uses({9: "r9"}, ["revise", "check"], salt="s") == {9: "revise"}


def test_what_a_response_is_used_for_depends_on_the_salt_alone():
    names = {number: f"r{number}" for number in range(20)}

    assert drawn_uses(names, [], salt="a") != drawn_uses(names, [], salt="b")
    assert drawn_uses(names, [], salt="a") == drawn_uses(
        dict(reversed(names.items())), [], salt="a"
    )

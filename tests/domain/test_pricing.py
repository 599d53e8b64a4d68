"""What tokens cost: exact where counted, unknown where not, and never 0 for want of a price."""

import pytest

from core.domain.pricing import (
    Price,
    PriceEntry,
    Spending,
    Tokens,
    amount,
    entry_for,
    guessed_tokens,
    spending,
)

#: 2 a million prompt tokens, 0.5 cached, 8 reply.
OAK = PriceEntry("oak", "USD", 2.0, 0.5, 8.0, 0.5)


def named(name: str) -> PriceEntry:
    return PriceEntry(name, "USD", 1.0, None, 1.0, 0.0)


def test_a_million_of_each_costs_what_the_file_says():
    # (1,000,000 - 400,000) × 2 + 400,000 × 0.5 + 1,000,000 × 8, per million
    tokens = Tokens(10, 0, 1_000_000, 400_000, 1_000_000)

    assert OAK.price(is_batch=False).cost(tokens) == pytest.approx(1.2 + 0.2 + 8.0)


def test_a_batch_takes_its_discount_off_everything():
    tokens = Tokens(10, 0, 1_000_000, 400_000, 1_000_000)

    assert OAK.price(is_batch=True).cost(tokens) == pytest.approx(9.4 / 2)


def test_cached_tokens_without_a_price_of_their_own_cost_what_all_do():
    price = Price("oak", "USD", 2.0, None, 8.0, 0.0)

    assert price.cost(Tokens(1, 0, 1_000_000, 1_000_000, 0)) == pytest.approx(2.0)


def test_no_more_is_cached_than_there_is():
    price = OAK.price(is_batch=False)

    assert price.cost(Tokens(1, 0, 100, 500, 0)) == pytest.approx(100 * 0.5 / 1e6)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("oak", "oak"),
        ("oak-mini", "oak*"),
        ("oak-2026-01-01", "oak-2026-*"),
        ("ash", None),
        ("an-oak", None),
    ],
)
def test_the_exact_name_goes_before_the_longest_pattern(model, expected):
    entries = [named("oak*"), named("oak"), named("oak-2026-*")]

    found = entry_for(model, entries)

    assert (found.name if found else None) == expected


def test_a_name_without_a_star_stands_for_nothing_else():
    assert entry_for("oak-mini", [named("oak")]) is None


def test_without_a_price_the_cost_is_unknown_and_not_0():
    tokens = Tokens(3, 0, 100, None, 20)

    assert spending(tokens, None) == Spending(tokens, (), 3)


def test_calls_that_nobody_counted_cost_something_unknown():
    tokens = Tokens(3, 3, 0, None, 0)

    assert spending(tokens, OAK.price(is_batch=False)) == Spending(tokens, (), 3)


def test_a_price_of_0_is_a_known_cost():
    free = Price("oak", "CNY", 0.0, None, 0.0, 0.0)

    assert spending(Tokens(1, 0, 100, None, 20), free).costs == (("CNY", 0.0),)


def test_sums_keep_currencies_and_the_unknown_apart():
    tokens = Tokens(1, 0, 10, None, 1)
    one = Spending(tokens, (("USD", 1.5),), 0)
    other = Spending(tokens, (("CNY", 3.0), ("USD", 0.5)), 0)
    unknown = Spending(tokens, (), 1)

    total = one + other + unknown

    assert total == Spending(Tokens(3, 0, 30, None, 3), (("CNY", 3.0), ("USD", 2.0)), 1)


def test_cached_tokens_are_unknown_until_an_endpoint_says_so():
    assert (Tokens(1, 0, 5, None, 1) + Tokens(1, 0, 5, None, 1)).cached is None
    assert (Tokens(1, 0, 5, None, 1) + Tokens(1, 0, 5, 0, 1)).cached == 0


def test_chinese_is_guessed_by_its_own_ratio():
    # 4 × 0.6 + 4 × 0.3; full-width punctuation counts as Chinese
    assert guessed_tokens(["每日一次", "once"]) == pytest.approx(3.6)
    assert guessed_tokens(["。"]) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0.00"),
        (4.98, "4.98"),
        (1234.5, "1234.50"),
        (0.1, "0.10"),
        (0.0421, "0.042"),
        (0.00012, "0.00012"),
        (0.0000123, "0.000012"),
    ],
)
def test_small_amounts_are_not_rounded_away(value, expected):
    assert amount(value) == expected

"""Attempts: some failures are free, then each waits longer, up to a limit."""

import pytest

from core.domain.attempts import FREE_BY_ADDRESS, FREE_BY_NAME, seconds_to_wait


@pytest.mark.parametrize("free", [FREE_BY_NAME, FREE_BY_ADDRESS])
def test_waiting_begins_after_the_free_failures_and_doubles(free):
    assert [seconds_to_wait(free + n, free=free) for n in (-1, 0, 1, 2)] == [0.0, 2.0, 4.0, 8.0]


def test_nobody_waits_longer_than_five_minutes():
    assert seconds_to_wait(10**9, free=FREE_BY_NAME) == 300.0

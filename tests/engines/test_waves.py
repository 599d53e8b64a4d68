"""Requests that come while others are answered are handed over in waves."""

from core.engines.huggingface_batches import Finished, InWaves


class Answering:
    """Batches that answer the oldest requests when they are told to."""

    room = 4096

    def __init__(self):
        self.taken = []
        self.ready = 0

    def submit(self, number, ids, limit):
        self.taken.append(number)

    def finished(self):
        found, self.taken = self.taken[: self.ready], self.taken[self.ready :]
        return [Finished(number, 1, [1]) for number in found]


def _full(count):
    batches = Answering()
    waves = InWaves(batches)
    for number in range(count):
        waves.submit(number, [1], 8)
    return batches, waves


def _end(batches, waves, count):
    batches.ready = count
    return waves.finished()


def test_what_comes_first_is_handed_over_at_once():
    batches, _ = _full(400)
    assert len(batches.taken) == 400


def test_what_comes_later_waits_until_a_quarter_has_ended():
    batches, waves = _full(400)
    for number in range(99):
        _end(batches, waves, 1)
        waves.submit(1000 + number, [1], 8)
    assert len(batches.taken) == 301

    _end(batches, waves, 1)

    assert len(batches.taken) == 300 + 99
    assert batches.taken[-1] == 1098


def test_the_next_wave_counts_from_the_last():
    batches, waves = _full(400)
    _end(batches, waves, 100)
    for number in range(50):
        waves.submit(1000 + number, [1], 8)
    assert len(batches.taken) == 300

    _end(batches, waves, 75)

    assert len(batches.taken) == 225 + 50


def test_few_requests_never_wait():
    batches, waves = _full(40)
    _end(batches, waves, 1)
    waves.submit(1000, [1], 8)
    assert batches.taken[-1] == 1000


def test_nothing_is_left_behind_when_all_have_ended():
    batches, waves = _full(100)
    _end(batches, waves, 1)
    waves.submit(1000, [1], 8)
    assert 1000 not in batches.taken

    _end(batches, waves, 99)

    assert batches.taken == [1000]

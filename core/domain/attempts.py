"""Attempts: how long somebody waits after failing repeatedly."""

#: Failures in a row from which on each costs time: of one name, and of one address (many may
#: share it).
FREE_BY_NAME = 5
FREE_BY_ADDRESS = 30

_LONGEST_SECONDS = 300.0


def seconds_to_wait(failures: int, *, free: int) -> float:
    """Seconds between the last failure and the next attempt: 2, 4, 8 … up to five minutes.

    Args:
        failures: in a row so far.
        free: the failure of this number is the first that costs time.
    """
    if failures < free:
        return 0.0
    return min(_LONGEST_SECONDS, 2.0 ** min(failures - free + 1, 16))

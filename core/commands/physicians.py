"""The command that tells a lead how physicians work."""

from typing import Any

import click

from core.commands.root import main
from core.commands.terminal import Terminal, command, text_of, words
from core.domain.estimation import Estimate
from core.services import observing
from core.services.naming import study_of_dataset
from core.services.observing import Observed, Steadiness

#: Answers from which on the two halves of a physician's work are told apart.
_ENOUGH = 10


@command(main, "physicians")
@click.option("--dataset", required=True)
def physicians_command(terminal: Terminal, *, dataset: str) -> None:
    """Pace and drift of each physician, and whether they agree with themselves."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        found, every = observing.observed(store, study), observing.with_themselves(store, study)
    lines = [_line(one) for one in found] or [words("no_own_scores")]
    said = {
        "dataset": dataset,
        "physicians": [_observed(one) for one in found],
        "with_themselves": _steadiness(every),
    }
    terminal.show(said, "\n".join(lines))


def _observed(one: Observed) -> dict[str, Any]:
    return {
        "physician": one.person,
        "answers": one.answers,
        "seconds": one.seconds,
        "seconds_early": one.seconds_early,
        "seconds_late": one.seconds_late,
        "usable_early": one.usable_early.value,
        "usable_late": one.usable_late.value,
        "with_themselves": _steadiness(one.with_themselves),
    }


def _steadiness(found: Steadiness) -> dict[str, Any]:
    return {
        "n": found.side.n,
        "side": _estimate(found.side),
        "score": _estimate(found.score),
    }


def _estimate(found: Estimate) -> dict[str, Any]:
    return {
        "value": found.value,
        "interval": None if found.low is None else [found.low, found.high],
        "undefined": found.undefined_because,
    }


def _line(one: Observed) -> str:
    usable = text_of("undefined.too_few")
    if one.answers >= _ENOUGH:
        early, late = one.usable_early.value, one.usable_late.value
        usable = f"{_number(early, 2)} → {_number(late, 2)}"
    return words(
        "observed", name=one.person, answers=one.answers, seconds=_number(one.seconds, 0),
        early=_number(one.seconds_early, 0), late=_number(one.seconds_late, 0),
        usable=usable, n=one.with_themselves.side.n,
        side=_number(one.with_themselves.side.value, 2),
    )  # fmt: skip


def _number(found: float | None, digits: int) -> str:
    return "–" if found is None else f"{found:.{digits}f}"

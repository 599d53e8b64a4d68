"""Picking: the cases behind one number, worst first."""

from collections.abc import Callable, Iterable

from core.services.agreeing import Case


def picked(cases: Iterable[Case], of: str) -> list[Case]:
    """The cases behind one number, worst first.

    Args:
        of: `differ`, `false_usable`, `missed_risk`, `undecided`, `unscored`, `pending`,
            `unstable`, `paired`; `usable:H:J`, a cell with 0 or 1 for physicians and judge; or
            `scores:H:J`, a cell with the physicians' and the judge's score.
    """
    kind, _, cell = of.partition(":")
    if kind in ("usable", "scores"):
        human, _, machine = cell.partition(":")
        if not (human.isdecimal() and machine.isdecimal()):
            return []
        in_cell = _in_usable_cell if kind == "usable" else _in_scores_cell
        return _worst_first(case for case in cases if in_cell(case, int(human), int(machine)))
    holds = _KINDS.get(kind, _KINDS["differ"])
    return _worst_first(case for case in cases if holds(case))


_KINDS: dict[str, Callable[[Case], bool]] = {
    "differ": lambda case: case.differs,
    "false_usable": lambda case: case.is_false_usable,
    "missed_risk": lambda case: case.is_missed_risk,
    "undecided": lambda case: case.physicians_usable is None,
    "unscored": lambda case: case.judge.unscored_because not in (None, "pending"),
    "pending": lambda case: case.judge.unscored_because == "pending",
    "unstable": lambda case: case.judge.is_unstable,
    "paired": lambda case: case.judge.usable is not None and case.physicians_usable is not None,
}


def _worst_first(cases: Iterable[Case]) -> list[Case]:
    def harm(case: Case) -> tuple[bool, bool, float]:
        judge = case.judge.mean or 0.0
        values = [score.value for score in case.scores if score.value is not None]
        distance = max((abs(judge - value) for value in values), default=0.0)
        return not case.is_missed_risk, not case.is_false_usable, -distance

    return sorted(cases, key=harm)


def _in_usable_cell(case: Case, human: int, machine: int) -> bool:
    return (case.physicians_usable, case.judge.usable) == (bool(human), bool(machine))


def _in_scores_cell(case: Case, human: int, machine: int) -> bool:
    return case.judge.median == machine and any(score.value == human for score in case.scores)

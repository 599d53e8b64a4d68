"""Choosing: which cases a figure is made of; every figure chooses here and nowhere else."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.domain.usability import physicians_reading
from core.services.agreeing import Case, votes_of
from core.store.human_scores import HumanScore


@dataclass(frozen=True, slots=True)
class Choice:
    """What is asked for; an empty field asks for all.

    Attributes:
        since, until: first and last day (UTC, ISO 8601) of the physicians' scores.
        with_excluded: count the questions too that the study leaves out.
    """

    categories: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    category2: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    difficulties: tuple[str, ...] = ()
    physicians: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    with_excluded: bool = False


def counted(cases: Iterable[Case]) -> list[Case]:
    """The cases that a study's figures count: those of questions that are not excluded."""
    return [case for case in cases if not case.is_excluded]


def chosen(cases: Iterable[Case], choice: Choice) -> list[Case]:
    """The cases of a choice; those of which no score is left are left out."""
    found = [
        case
        for case in cases
        if (choice.with_excluded or not case.is_excluded)
        and _holds(choice.categories, case.category)
        and _holds(choice.models, case.model)
        and _holds(choice.category2, case.category2)
        and _holds(choice.scenes, case.scene)
        and _holds(choice.difficulties, case.difficulty)
    ]
    if not (choice.physicians or choice.since or choice.until):
        return found
    narrowed = (_narrowed(case, choice) for case in found)
    return [case for case in narrowed if case.scores]


def _narrowed(case: Case, choice: Choice) -> Case:
    """A case with the scores of a choice alone, which decide anew what physicians say."""
    scores = tuple(score for score in case.scores if _is_chosen(score, choice))
    if len(scores) == len(case.scores):
        return case
    return replace(case, scores=scores, physicians_usable=physicians_reading(votes_of(scores)))


def _is_chosen(score: HumanScore, choice: Choice) -> bool:
    day = score.created_at[:10]
    return (
        _holds(choice.physicians, score.person)
        and (not choice.since or day >= choice.since)
        and (not choice.until or day <= choice.until)
    )


def _holds(wanted: tuple[str, ...], value: str) -> bool:
    return not wanted or value in wanted

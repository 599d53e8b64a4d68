"""Empanelling: judges, and juries of judges, that may stand on the machine's side of a figure."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.juries import JuryRule
from core.domain.scales import Scale
from core.errors import Refused, UnknownName
from core.services.judging import judge_of_study
from core.services.permitting import require
from core.store import judges, juries
from core.store.database import Store
from core.store.judges import Judge
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class Panel:
    """One judge, or a jury of several.

    Attributes:
        members: judges with their number of rounds.
        rule: how a jury scores; None for a judge.
    """

    name: str
    members: tuple[tuple[Judge, int], ...]
    rule: JuryRule | None = None

    @property
    def scale(self) -> Scale:
        """The scale of its scores, which the members of a jury share."""
        return self.members[0][0].scale

    @property
    def is_floor(self) -> bool:
        """Whether it is the baseline, which is never a clinical judge."""
        return all(judge.engine == "baseline" for judge, _ in self.members)


def panels_of_study(store: Store, study: Study) -> list[Panel]:
    """A study's judges, then its juries, oldest first."""
    require(store, "physician", "lead")
    known = judges.judges_of_study(store, study.id)
    by_id = {judge.id: (judge, rounds) for judge, rounds in known}
    return [
        *(Panel(judge.name, ((judge, rounds),)) for judge, rounds in known),
        *(
            Panel(jury.name, tuple(by_id[judge_id] for judge_id in jury.judge_ids), jury.rule)
            for jury in juries.juries_of_study(store, study.id)
        ),
    ]


def panel_of_study(store: Store, study: Study, name: str | None) -> Panel:
    """The judge or jury of that name; without one, the newest judge that has scored anything.

    Raises:
        UnknownName: `unknown_judge`, with the names that take part.
        Refused: `no_judge` where the study has none.
    """
    require(store, "lead")
    known = panels_of_study(store, study)
    for panel in known:
        if panel.name == name:
            return panel
    if name is not None and known:
        names = ", ".join(panel.name for panel in known)
        raise UnknownName("unknown_judge", name=name, known=names)
    judge, rounds = judge_of_study(store, study, None)
    return Panel(judge.name, ((judge, rounds),))


def add_jury(
    store: Store, study: Study, name: str, members: Sequence[str], rule: JuryRule, *, by: str
) -> Panel:
    """Form a jury of a study's judges.

    Raises:
        UnknownName: `unknown_judge`.
        Refused: `jury_too_small` with fewer than two different judges; `name_taken`;
            `jury_scales_differ` where scores of different scales would be averaged.
    """
    require(store, "lead")
    with store.writing():
        judges_ = [judge_of_study(store, study, member)[0] for member in dict.fromkeys(members)]
        if len(judges_) < 2:
            raise Refused("jury_too_small", name=name)
        if any(panel.name == name for panel in panels_of_study(store, study)):
            raise Refused("name_taken", name=name)
        if len({(judge.scale.maximum, judge.scale.usable_from) for judge in judges_}) > 1:
            raise Refused("jury_scales_differ", name=name)
        juries.add_jury(store, study.id, name, rule, [judge.id for judge in judges_], by=by)
        return panel_of_study(store, study, name)

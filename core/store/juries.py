"""Juries: named sets of a study's judges with the rule by which they score together."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.juries import JuryRule
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Jury:
    """A jury with the ids of its judges, oldest judge first."""

    id: int
    name: str
    rule: JuryRule
    judge_ids: tuple[int, ...]


def juries_of_study(store: Store, study_id: int) -> list[Jury]:
    """The juries of a study, oldest first."""
    sql = """
        SELECT jury.id, name, rule, judge_id FROM jury JOIN jury_member ON jury_id = jury.id
        WHERE study_id = ? ORDER BY jury.id, judge_id
    """
    found: dict[int, Jury] = {}
    for jury_id, name, rule, judge_id in store.rows(sql, (study_id,)):
        before = found[jury_id].judge_ids if jury_id in found else ()
        found[jury_id] = Jury(jury_id, name, rule, (*before, judge_id))
    return list(found.values())


def add_jury(
    store: Store, study_id: int, name: str, rule: JuryRule, judge_ids: Sequence[int], *, by: str
) -> int:
    """Insert a jury with its members."""
    jury_id = store.add(
        "INSERT INTO jury (study_id, name, rule, created_by) VALUES (?, ?, ?, ?)",
        (study_id, name, rule, by),
    )
    store.add_many(
        "INSERT INTO jury_member (jury_id, judge_id) VALUES (?, ?)",
        [(jury_id, judge_id) for judge_id in judge_ids],
    )
    return jury_id

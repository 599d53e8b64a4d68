"""What physicians' differing scores come to: one decision a row, the last one counts."""

from dataclasses import dataclass

from core.domain.scales import Scale
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Consensus:
    """An adjudicator's decision on a response.

    Attributes:
        value: on a scale from `minimum` to `maximum`; None with `undecided_because`.
        after_assessment: newest score that it decides on; a later one opens the case again.
        had_seen_judge: the adjudicator had been shown a judge's verdict on the question.
    """

    response_id: int
    person: str
    value: int | None
    undecided_because: str | None
    usable_from: int
    minimum: int
    maximum: int
    after_assessment: int
    had_seen_judge: bool
    reason: str
    created_at: str

    @property
    def usable(self) -> bool | None:
        """Whether the response is usable; None where undecided."""
        return None if self.value is None else self.value >= self.usable_from


_COLUMNS = """
    SELECT response_id, person.name AS person, value, undecided_because, usable_from, minimum,
           maximum, after_assessment, had_seen_judge, reason, consensus.created_at
    FROM consensus
    JOIN person ON person.id = consensus.person_id
    JOIN scale ON scale.name = consensus.scale
"""


def consensus_of_study(store: Store, study_id: int) -> dict[int, Consensus]:
    """The decision that counts for each adjudicated response."""
    found = store.read(
        Consensus, f"{_COLUMNS} WHERE study_id = ? ORDER BY consensus.id", (study_id,)
    )
    return {one.response_id: one for one in found}


def questions_decided_by(store: Store, study_id: int, person_id: int) -> set[int]:
    """Ids of the questions of which a person has decided a response."""
    sql = """
        SELECT DISTINCT question_id FROM consensus JOIN response ON response.id = response_id
        WHERE study_id = ? AND consensus.person_id = ?
    """
    return {question_id for (question_id,) in store.rows(sql, (study_id, person_id))}


def add_consensus(
    store: Store,
    study_id: int,
    response_id: int,
    criteria_id: int,
    person_id: int,
    scale: Scale,
    value: int | None,
    *,
    undecided_because: str | None,
    had_seen_judge: bool,
    reason: str,
    by: str,
) -> None:
    """Store a decision on all the scores that are there."""
    store.add(
        "INSERT INTO consensus (study_id, response_id, criteria_id, person_id, scale, value,"
        " undecided_because, after_assessment, had_seen_judge, reason, created_by)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT max(id) FROM assessment"
        "  WHERE response_id = ?2), ?8, ?9, ?10)",
        (
            study_id, response_id, criteria_id, person_id, scale.name, value, undecided_because,
            int(had_seen_judge), reason, by,
        ),
    )  # fmt: skip

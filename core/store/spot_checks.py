"""Second looks at submitted scores."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.store.database import Store


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """A score that is looked at again, with the last finding; None while there is none."""

    id: int
    assessment_id: int
    response_id: int
    question_id: int
    scored_by: int
    round: int
    is_sound: bool | None


def spot_checks(store: Store, study_id: int) -> list[SpotCheck]:
    """A study's spot checks in order of their drawing."""
    sql = """
        SELECT spot_check.id, assessment_id, assessment.response_id, response.question_id,
               rater.person_id AS scored_by, spot_check.round, is_sound
        FROM spot_check
        JOIN assessment ON assessment.id = assessment_id
        JOIN rater ON rater.id = assessment.rater_id
        JOIN response ON response.id = assessment.response_id
        LEFT JOIN spot_check_result AS result ON result.id = (
          SELECT max(id) FROM spot_check_result WHERE spot_check_id = spot_check.id)
        WHERE study_id = ? ORDER BY spot_check.id
    """
    return store.read(SpotCheck, sql, (study_id,))


def add_spot_checks(
    store: Store, study_id: int, assessment_ids: Sequence[int], round: int, share: float, *, by: str
) -> None:
    """Ask for a second look at these scores."""
    store.add_many(
        "INSERT INTO spot_check (study_id, assessment_id, round, share, created_by)"
        " VALUES (?, ?, ?, ?, ?)",
        [(study_id, one, round, share, by) for one in assessment_ids],
    )


def add_result(
    store: Store, spot_check_id: int, person_id: int, *, is_sound: bool, comment: str, by: str
) -> None:
    """Store what a second look found."""
    store.add(
        "INSERT INTO spot_check_result (spot_check_id, person_id, is_sound, comment, created_by)"
        " VALUES (?, ?, ?, ?, ?)",
        (spot_check_id, person_id, int(is_sound), comment, by),
    )

"""Rejections: candidates that somebody decided against."""

from dataclasses import dataclass

from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Rejection:
    """A candidate that somebody decided against."""

    criteria_id: int | None
    judge_id: int | None
    judge_prompt_id: int | None
    reason: str
    created_by: str
    created_at: str


def add_rejection(
    store: Store, study_id: int, *, criteria_id: int | None = None, judge_id: int | None = None,
    judge_prompt_id: int | None = None, reason: str, by: str,
) -> None:  # fmt: skip
    """Record that somebody decided against a candidate."""
    store.add(
        "INSERT INTO rejection (study_id, criteria_id, judge_id, judge_prompt_id, reason,"
        " created_by) VALUES (?, ?, ?, ?, ?, ?)",
        (study_id, criteria_id, judge_id, judge_prompt_id, reason, by),
    )


def rejections(store: Store, study_id: int) -> list[Rejection]:
    """A study's rejections, oldest first."""
    sql = """
        SELECT criteria_id, judge_id, judge_prompt_id, reason, created_by, created_at
        FROM rejection WHERE study_id = ? ORDER BY id
    """
    return store.read(Rejection, sql, (study_id,))

"""Settings of a study's tables: questions left out, and the groups of its models."""

from dataclasses import dataclass

from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A question that figures leave out, since when, by whom and why."""

    question_id: int
    key: str
    reason: str
    by: str
    at: str


def exclusions(store: Store, study_id: int) -> list[Exclusion]:
    """The questions that a study leaves out now."""
    sql = """
        SELECT question_id, key, reason, question_exclusion.created_by AS by,
               question_exclusion.created_at AS at
        FROM question_exclusion JOIN question ON question.id = question_id
        WHERE study_id = ? AND is_excluded = 1 AND NOT EXISTS (
          SELECT 1 FROM question_exclusion AS later
          WHERE later.study_id = question_exclusion.study_id
            AND later.question_id = question_exclusion.question_id
            AND later.id > question_exclusion.id)
        ORDER BY position
    """
    return store.read(Exclusion, sql, (study_id,))


def add_exclusion(
    store: Store, study_id: int, question_id: int, *, is_excluded: bool, reason: str, by: str
) -> None:
    """Leave a question out of a study's figures from now on, or take it back in."""
    store.add(
        "INSERT INTO question_exclusion (study_id, question_id, is_excluded, reason, created_by)"
        " VALUES (?, ?, ?, ?, ?)",
        (study_id, question_id, int(is_excluded), reason, by),
    )


def model_groups(store: Store, study_id: int) -> dict[int, str]:
    """Group of each model that has one, by model id."""
    sql = "SELECT model_id, kind FROM model_group WHERE study_id = ? ORDER BY id"
    return dict(map(tuple, store.rows(sql, (study_id,))))


@dataclass(frozen=True, slots=True)
class Grouped:
    """The group of a model, by whom and since when."""

    model: str
    kind: str
    by: str
    at: str


def settled_groups(store: Store, study_id: int) -> dict[str, Grouped]:
    """Who put each model into its group, and when, by the model's label."""
    sql = """
        SELECT label AS model, kind, model_group.created_by AS by, model_group.created_at AS at
        FROM model_group JOIN model ON model.id = model_id
        WHERE study_id = ? ORDER BY model_group.id
    """
    return {one.model: one for one in store.read(Grouped, sql, (study_id,))}


def add_model_group(store: Store, study_id: int, model_id: int, kind: str, *, by: str) -> None:
    """Show a model under a heading from now on."""
    store.add(
        "INSERT INTO model_group (study_id, model_id, kind, created_by) VALUES (?, ?, ?, ?)",
        (study_id, model_id, kind, by),
    )

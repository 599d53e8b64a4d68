"""Questions: the turns of a dataset's conversations, with the record they came from."""

from dataclasses import dataclass
from typing import Literal

from core.domain.questions import Difficulty, Language
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its facets as last imported."""

    id: int
    dataset_id: int
    conversation_id: int
    key: str
    turn: int
    category: str
    language: Language
    kind: Literal["open", "closed"]
    category2: str
    scene: str
    difficulty: Difficulty


_COLUMNS = """
    SELECT question.id, dataset_id, conversation_id, key, turn, category, language, kind,
           category2, scene, difficulty
    FROM question JOIN current_record ON current_record.question_id = question.id
"""


def question_by_id(store: Store, question_id: int) -> Question | None:
    """The question with that id."""
    return store.read_one(Question, f"{_COLUMNS} WHERE question.id = ?", (question_id,))


def question_by_key(store: Store, dataset_id: int, key: str) -> Question | None:
    """The question of a dataset with that key."""
    sql = f"{_COLUMNS} WHERE dataset_id = ? AND key = ?"
    return store.read_one(Question, sql, (dataset_id, key))


def questions_of_study(store: Store, study_id: int) -> list[Question]:
    """A study's open questions, in the order of their files."""
    sql = f"""{_COLUMNS} WHERE question.kind = 'open' AND dataset_id IN (
        SELECT dataset_id FROM study_dataset WHERE study_id = ?)
        ORDER BY dataset_id, position"""
    return store.read(Question, sql, (study_id,))


def kinds(store: Store) -> list[tuple[str, Language]]:
    """The categories and languages of all open questions."""
    sql = "SELECT DISTINCT category, language FROM open_question ORDER BY category, language"
    return [(category, language) for category, language in store.rows(sql)]


def kinds_of_study(store: Store, study_id: int) -> list[tuple[str, Language]]:
    """The categories and languages of a study's open questions, which have a judge prompt each."""
    sql = """
        SELECT DISTINCT category, language FROM open_question
        JOIN study_dataset USING (dataset_id) WHERE study_id = ? ORDER BY category, language
    """
    return [(category, language) for category, language in store.rows(sql, (study_id,))]


def question_ids(store: Store, dataset_id: int) -> dict[str, int]:
    """Id of every question of a dataset by its key."""
    rows = store.rows("SELECT key, id FROM question WHERE dataset_id = ?", (dataset_id,))
    return dict(map(tuple, rows))


def records(store: Store, dataset_id: int) -> dict[str, str]:
    """The imported record (JSON) of every question of a dataset by its key, in file order."""
    sql = """
        SELECT key, record FROM question
        JOIN current_record ON current_record.question_id = question.id
        WHERE dataset_id = ? ORDER BY position
    """
    return dict(map(tuple, store.rows(sql, (dataset_id,))))


def add_record(
    store: Store, question_id: int, record: str,
    *, category2: str, scene: str, difficulty: Difficulty, by: str,
) -> int:  # fmt: skip
    """Insert a question's record, which becomes the current one; its id."""
    return store.add(
        "INSERT INTO question_record"
        " (question_id, record, category2, scene, difficulty, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (question_id, record, category2, scene, difficulty, by),
    )

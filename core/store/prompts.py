"""Judge prompts: all their versions, whom they serve, and what a change of them would ask for."""

from dataclasses import dataclass

from core.domain.questions import Language
from core.store.database import Store
from core.store.judges import ANY, Judge


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """One version of a category's judge prompt, with who wrote it and why."""

    id: int
    category: str
    language: Language
    version: int
    text: str
    reason: str
    created_by: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Serving:
    """A prompt version that serves a judge in a study."""

    prompt_id: int
    category: str
    language: Language
    version: int
    judge: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What a judge with a prompt scores: responses that have a text, and verdicts that exist.

    Attributes:
        judged: verdicts of this judge with this prompt on them, under the active criteria.
    """

    responses: int
    judged: int


_COLUMNS = """
    SELECT id, category, language, version, text, reason, created_by, created_at
    FROM judge_prompt
"""


def all_versions(store: Store) -> list[PromptVersion]:
    """Every version of every prompt, by category and language, newest first."""
    sql = f"{_COLUMNS} WHERE category <> ? ORDER BY category, language, version DESC"
    return store.read(PromptVersion, sql, (ANY,))


def versions(store: Store, category: str, language: str) -> list[PromptVersion]:
    """The versions of one prompt, newest first."""
    sql = f"{_COLUMNS} WHERE category = ? AND language = ? ORDER BY version DESC"
    return store.read(PromptVersion, sql, (category, language))


def serving(store: Store, study_id: int) -> list[Serving]:
    """Which prompt serves which judge of a study, by judge."""
    sql = """
        SELECT judge_prompt.id AS prompt_id, judge_prompt.category AS category,
               judge_prompt.language AS language, version, judge.name AS judge
        FROM active_rater
        JOIN judge_prompt ON judge_prompt.id = judge_prompt_id
        JOIN judge ON judge.id = judge_id
        WHERE study_id = ? AND judge_prompt.category <> ?
        ORDER BY judge.id
    """
    return store.read(Serving, sql, (study_id, ANY))


def reach(store: Store, study_id: int, judge: Judge, rounds: int, prompt: PromptVersion) -> Reach:
    """What a judge would score in a study if a prompt served it, and what it has scored so."""
    sql = """
        WITH wanted AS (
          SELECT response.id AS response_id, active_criteria.criteria_id
          FROM study_dataset
          JOIN open_question AS question ON question.dataset_id = study_dataset.dataset_id
          JOIN current_response AS response ON response.question_id = question.id
          JOIN active_criteria ON active_criteria.study_id = study_dataset.study_id
                              AND active_criteria.question_id = question.id
          WHERE study_dataset.study_id = :study AND category = :category
            AND language = :language AND response.text IS NOT NULL)
        SELECT (SELECT count(*) FROM wanted) AS responses, count(*) AS judged FROM (
          SELECT DISTINCT response_id, round
          FROM wanted JOIN assessment USING (response_id, criteria_id)
          JOIN rater ON rater.id = rater_id
          WHERE configuration_id = :configuration AND judge_prompt_id = :prompt
            AND purpose = 'study' AND round <= :rounds)
    """
    found = store.read_one(
        Reach, sql,
        {
            "study": study_id, "category": prompt.category, "language": prompt.language,
            "configuration": judge.configuration_id, "prompt": prompt.id, "rounds": rounds,
        },
    )  # fmt: skip
    assert found is not None
    return found

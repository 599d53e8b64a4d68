"""The scoring manual of a study, version by version, in each language."""

from dataclasses import dataclass

from core.domain.questions import Language
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Manual:
    """One version of a study's scoring manual in one language."""

    language: Language
    version: int
    text: str
    reason: str
    created_by: str
    created_at: str


def manuals(store: Store, study_id: int, language: Language) -> list[Manual]:
    """Every version in a language, oldest first."""
    sql = """
        SELECT language, version, text, reason, created_by, created_at FROM manual
        WHERE study_id = ? AND language = ? ORDER BY version
    """
    return store.read(Manual, sql, (study_id, language))


def add_manual(
    store: Store, study_id: int, language: Language, text: str, *, reason: str, by: str
) -> None:
    """Store the next version of a language."""
    store.add(
        "INSERT INTO manual (study_id, language, version, text, reason, created_by)"
        " VALUES (?1, ?2, (SELECT coalesce(max(version), 0) + 1 FROM manual"
        "  WHERE study_id = ?1 AND language = ?2), ?3, ?4, ?5)",
        (study_id, language, text, reason, by),
    )

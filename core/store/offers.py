"""Offers: physicians' scores that a new requirement contradicts, to be given once more."""

from dataclasses import dataclass

from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Offer:
    """One score that its author may give once more, and the requirement that asks for it."""

    response_id: int
    question: str
    requirement: str
    value: int | None
    created_by: str


def add_offer(
    store: Store, study_id: int, assessment_id: int, criteria_id: int, requirement_id: int,
    *, by: str,
) -> int:  # fmt: skip
    """Offer a score to be given once more under a version; 0 where it was offered before."""
    return store.change(
        "INSERT OR IGNORE INTO rescoring_offer (study_id, assessment_id, criteria_id,"
        " requirement_id, created_by) VALUES (?, ?, ?, ?, ?)",
        (study_id, assessment_id, criteria_id, requirement_id, by),
    )


def offers_of(store: Store, study_id: int, person_id: int) -> list[Offer]:
    """A person's offers that they have not followed, newest first."""
    sql = """
        SELECT scored.response_id, question.key AS question, requirement.text AS requirement,
               scored.value, rescoring_offer.created_by
        FROM rescoring_offer
        JOIN assessment AS scored ON scored.id = assessment_id
        JOIN rater ON rater.id = scored.rater_id
        JOIN response ON response.id = scored.response_id
        JOIN question ON question.id = response.question_id
        JOIN requirement ON requirement.id = requirement_id
        WHERE rescoring_offer.study_id = ? AND rater.person_id = ? AND NOT EXISTS (
          SELECT 1 FROM assessment AS later
          WHERE later.response_id = scored.response_id AND later.rater_id = scored.rater_id
            AND later.id > scored.id)
        ORDER BY rescoring_offer.id DESC
    """
    return store.read(Offer, sql, (study_id, person_id))

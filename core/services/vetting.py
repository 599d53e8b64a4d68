"""Vetting: physicians say whether a question and its reference answer are factually right.

After table 3 of Zhang et al. 2025 (LLMEval-Med, arXiv 2506.04078).
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from core.domain.estimation import Estimate, share_estimate
from core.errors import Refused
from core.services.permitting import require, require_own
from core.store import audits, criteria
from core.store.audits import QuestionAudit
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class AuditShare:
    """How many questions are right, of those that somebody has audited.

    Attributes:
        category: None for the whole study.
        right: share of audits that call the question right; intervals over questions.
        questions: how many different questions were audited.
        physicians: how many people audited them.
        wrong: the audits that call a question wrong.
    """

    category: str | None
    right: Estimate
    questions: int
    physicians: int
    wrong: tuple[QuestionAudit, ...]


def audit(
    store: Store, study: Study, person: Person, question_id: int, *, is_right: bool, comment: str
) -> None:
    """Store what a physician says of a question and its reference answer as they read now.

    Raises:
        Refused: `audit_needs_comment` where something is wrong and nobody says what.
    """
    require_own(store, person.id, "physician")
    if not is_right and not comment.strip():
        raise Refused("audit_needs_comment")
    version = criteria.active_version(store, study.id, question_id)
    if audits.audit_given(store, person.id, version.id) == (is_right, comment):
        return
    with store.writing():
        audits.add_audit(
            store, person.id, version.id, is_right=is_right, comment=comment, by=person.name
        )


def audit_shares(store: Store, study: Study) -> list[AuditShare]:
    """The share of right questions, of the whole study and then by category."""
    require(store, "lead")
    found = audits.audits_of_study(store, study.id)
    by_category: dict[str, list[QuestionAudit]] = defaultdict(list)
    for one in found:
        by_category[one.category].append(one)
    return [_share(None, found), *(_share(name, some) for name, some in by_category.items())]


def _share(category: str | None, found: list[QuestionAudit]) -> AuditShare:
    right = np.array([one.is_right for one in found], dtype=np.bool_)
    clusters = np.array([one.question_id for one in found], dtype=np.intp)
    return AuditShare(
        category, share_estimate(right, clusters), len({one.question_id for one in found}),
        len({one.person_id for one in found}), tuple(one for one in found if not one.is_right),
    )  # fmt: skip

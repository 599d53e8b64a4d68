"""Instructing: the scoring manual that physicians of a study score by."""

from datetime import UTC, datetime

from core.domain.questions import Language
from core.errors import Refused
from core.services.permitting import require
from core.store import manuals
from core.store.database import Store
from core.store.manuals import Manual
from core.store.studies import Study


def manual_of(store: Store, study: Study, language: Language) -> Manual | None:
    """The version that counts, in this language; None where the study has none."""
    require(store, "physician", "adjudicator", "lead")
    found = manuals.manuals(store, study.id, language)
    return found[-1] if found else None


def write_manual(
    store: Store, study: Study, language: Language, text: str, *, reason: str, by: str
) -> bool:
    """Store a new version; False where the text is the one that counts already.

    Raises:
        Refused: `needs_reason`; `empty_manual`.
    """
    require(store, "lead")
    if not text.strip():
        raise Refused("empty_manual")
    if not reason.strip():
        raise Refused("needs_reason")
    with store.writing():
        last = manual_of(store, study, language)
        if last is not None and last.text == text:
            return False
        manuals.add_manual(store, study.id, language, text, reason=reason.strip(), by=by)
    return True


def add_note(store: Store, study: Study, language: Language, note: str, *, by: str) -> None:
    """Store a new version with a dated note below; a study without a manual begins one with it.

    Raises:
        Refused: `needs_reason` where the note is empty.
    """
    require(store, "lead")
    if not note.strip():
        raise Refused("needs_reason")
    dated = f"{datetime.now(UTC):%Y-%m-%d}\n{note.strip()}"
    with store.writing():
        last = manual_of(store, study, language)
        text = f"{last.text.rstrip()}\n\n{dated}" if last else dated
        write_manual(store, study, language, text, reason=note, by=by)

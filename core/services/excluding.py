"""Excluding: what a lead settles about a study's tables: questions left out, groups of models."""

from core.errors import Refused, UnknownName
from core.services.permitting import require
from core.store import questions, responses, table_settings
from core.store.database import Store
from core.store.studies import Study
from core.store.table_settings import Exclusion


def exclude(
    store: Store, study: Study, key: str, *, is_excluded: bool, reason: str, by: str
) -> None:
    """Leave a question out of a study's figures from now on, or take it back in.

    Raises:
        Refused: `needs_reason`.
        UnknownName: `unknown_question_key`.
    """
    require(store, "lead")
    if not reason.strip():
        raise Refused("needs_reason")
    for question in questions.questions_of_study(store, study.id):
        if question.key == key:
            with store.writing():
                table_settings.add_exclusion(
                    store, study.id, question.id, is_excluded=is_excluded, reason=reason, by=by
                )
            return
    raise UnknownName("unknown_question_key", key=key, dataset=study.name)


def exclusions_of(store: Store, study: Study) -> list[Exclusion]:
    """The questions that a study leaves out now, with who did it, when and why."""
    require(store, "lead")
    return table_settings.exclusions(store, study.id)


def group_model(store: Store, study: Study, label: str, kind: str, *, by: str) -> None:
    """Show a model under a heading: open, closed or specialised.

    Raises:
        UnknownName: `unknown_model`.
    """
    require(store, "lead")
    known = {name: model_id for model_id, name in responses.models_of_study(store, study.id)}
    if label not in known:
        raise UnknownName("unknown_model", name=label, known=", ".join(known) or "–")
    with store.writing():
        table_settings.add_model_group(store, study.id, known[label], kind, by=by)

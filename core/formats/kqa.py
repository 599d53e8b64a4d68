"""K-QA: patients' questions, with statements that an answer must hold or that are nice to have."""

from collections.abc import Iterator

from core.domain.criteria import checklist_of
from core.formats.base import text_field, wrong_type
from core.formats.declaring import Fields, Format, Record


def _with_checklist(record: Record, file: str, where: str) -> Iterator[Record]:
    """Statements that must be there are core requirements, the others secondary ones."""
    levels = []
    for name in ("Must_have", "Nice_to_have"):
        statements = record.get(name) or []
        if not isinstance(statements, list):
            raise wrong_type(file, where, name, "list", statements)
        levels.append([text_field({name: one}, name, file=file, where=where) for one in statements])
    yield record | {"checklist": checklist_of(core=levels[0], secondary=levels[1])}


FORMAT = Format(
    name="k-qa",
    layout="jsonl",
    signs=("Question", "Must_have"),
    fields=Fields(question="Question", answer="Free_form_answer", checklist="checklist"),
    category="KQA",
    reshaped=_with_checklist,
)

"""CMB: exam questions (CMB-Exam), and clinic cases of several questions (CMB-Clin)."""

from collections.abc import Iterator

from core.formats.base import text_field, wrong_type
from core.formats.declaring import Fields, Format, Record

EXAM = Format(
    name="cmb-exam",
    layout="json",
    signs=("exam_type", "exam_class", "exam_subject", "question", "question_type", "option"),
    fields=Fields(
        id="id", category="exam_type", stage="exam_class", department="exam_subject",
        question_type="question_type", options="option", answer="answer",
        explanation="explanation",
    ),
    several=("多项选择题", "多选题"),
)  # fmt: skip


def _turns(record: Record, file: str, where: str) -> Iterator[Record]:
    """A case's questions one after another; the record stands before the first."""
    pairs = record["QA_pairs"]
    if not isinstance(pairs, list) or not pairs:
        raise wrong_type(file, where, "QA_pairs", "list", pairs)
    for turn, pair in enumerate(pairs, 1):
        if not isinstance(pair, dict):
            raise wrong_type(file, where, "QA_pairs", "object", pair)
        solution = "solution" if "solution" in pair else "answer"
        yield {
            "id": record.get("id"),
            "title": text_field(record, "title", file=file, where=where),
            "description": record["description"] if turn == 1 else "",
            "turn": turn,
            "question": text_field(pair, "question", file=file, where=where),
            "solution": text_field(pair, solution, file=file, where=where),
        }


CLINIC = Format(
    name="cmb-clin",
    layout="json",
    signs=("title", "description", "QA_pairs"),
    fields=Fields(
        id="id", turn="turn", stem="description", answer="solution", department="title",
    ),
    category="CLINIC",
    reshaped=_turns,
)  # fmt: skip

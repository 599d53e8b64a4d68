"""Files that bring questions, responses and what people and judges said of them, row by row."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.domain.criteria import checklist_of
from core.domain.scales import Scale
from core.errors import BrokenFile
from core.formats.base import BenchmarkQuestion, text_field, wrong_type
from core.formats.broken import Broken
from core.formats.declaring import Fields, Format, Layout, Record, exercise_of, records_of, signed
from core.formats.healthbench import conversation
from core.formats.table_rows import fingerprint

RIGHT_OR_WRONG = Scale("right or wrong", 0, 1, 1)


@dataclass(frozen=True, slots=True)
class JudgedScore:
    """What somebody said of a response.

    Attributes:
        dimensions: parts of the score by name; none where `is_met` marks the only requirement.
    """

    kind: Literal["judge", "physician"]
    rater: str
    scale: Scale
    value: int
    dimensions: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A response to a question, with its scores."""

    question: BenchmarkQuestion
    model: str
    sample: int
    text: str
    scores: tuple[JudgedScore, ...]


@dataclass(frozen=True, slots=True)
class JudgedFormat:
    """A format of such rows: how they stand in a file, and what one of them says."""

    name: str
    layout: Layout
    signs: tuple[str, ...]
    row: Callable[[Record, str, str], JudgedRow]


def read_judged(path: Path, format_: JudgedFormat) -> list[JudgedRow]:
    """Read all rows; several responses of one model to one question are its samples, in order.

    Raises:
        BrokenFile: as `core.formats.declaring.read_benchmark`.
    """
    broken = Broken(path.name)
    rows = broken.each(
        signed(
            records_of(path, format_.layout, broken),
            format_.signs,
            broken,
            is_table=format_.layout == "csv",
        ),
        lambda one: format_.row(one[1], path.name, one[0]),
    )
    broken.refuse()
    found = []
    samples: Counter[tuple[str, str]] = Counter()
    for row in rows:
        samples[identity := (str(row.question.key), row.model)] += 1
        found.append(JudgedRow(row.question, row.model, samples[identity], row.text, row.scores))
    if not found:
        raise BrokenFile("no_rows", file=path.name)
    return found


# --- HealthBench: several physicians say yes or no to a criterion

_META = Format(
    "healthbench-meta", "jsonl", (),
    Fields(id="id", checklist="checklist", department="category", given_turns="given_turns"),
    category="HBM",
)  # fmt: skip


def _meta_row(record: Record, file: str, where: str) -> JudgedRow:
    given, question = conversation(record["prompt"], file, where)
    rubric = text_field(record, "rubric", file=file, where=where).strip()
    text = text_field(record, "completion", file=file, where=where)
    labels, people = record["binary_labels"], record.get("anonymized_physician_ids")
    if not rubric or not text:
        raise wrong_type(file, where, "rubric" if not rubric else "completion", "text", "")
    if not isinstance(labels, list) or not all(type(one) is bool for one in labels) or not labels:
        raise wrong_type(file, where, "binary_labels", "list", labels)
    if not isinstance(people, list) or len(people) != len(labels):
        raise wrong_type(file, where, "anonymized_physician_ids", "list", people)
    flat = {
        "id": f"{record.get('prompt_id') or fingerprint(question)}.{fingerprint(rubric)}",
        "question": question, "given_turns": given, "checklist": checklist_of(core=[rubric]),
        "category": record.get("category") or "",
    }  # fmt: skip
    scores = tuple(
        JudgedScore("physician", str(name), RIGHT_OR_WRONG, int(label))
        for name, label in zip(people, labels, strict=True)
    )
    exercise = exercise_of(flat, _META, file=file, where=where)
    return JudgedRow(exercise, "healthbench", 1, text, scores)


HEALTHBENCH_META = JudgedFormat(
    "healthbench-meta", "jsonl",
    ("prompt", "completion", "rubric", "binary_labels", "anonymized_physician_ids"), _meta_row,
)  # fmt: skip


# --- LLMEval-2: stars per dimension, by people and by GPT-4 ---------------------------------------

#: Most stars of each dimension (Zhang et al. 2024, LLMEval, AAAI), and from how many in all a
#: response counts as usable: four fifths, which is ours.
_STARS = {
    "objective": ({"accuracy": 3, "explanation": 2}, 4),
    "subjective": ({"accuracy": 5, "informativeness": 3, "fluency": 3, "logic": 3}, 12),
}
#: The dimensions' names in its Chinese criteria.
_DIMENSIONS = {
    "答案准确性": "accuracy", "解释正确性": "explanation", "准确性": "accuracy",
    "信息量": "informativeness", "流畅性": "fluency", "逻辑性": "logic",
}  # fmt: skip
_KINDS = {"objective": "objective", "客观题": "objective", "subjective": "subjective",
          "主观题": "subjective"}  # fmt: skip
_LLMEVAL = Format(
    "llmeval-2", "jsonl", (),
    Fields(id="id", answer="answer", department="subject", question_type="type"),
    category="LLMEval2",
)  # fmt: skip


def _stars_row(record: Record, file: str, where: str) -> JudgedRow:
    kind = _KINDS.get(str(record["type"]))
    if kind is None:
        raise wrong_type(file, where, "type", "llmeval_type", record["type"])
    names = {
        name: text_field(record, name, file=file, where=where) for name in ("model", "response")
    }
    for name, value in names.items():
        if not value.strip():
            raise wrong_type(file, where, name, "text", value)
    scores = tuple(_stars(record, kind, file, where))
    exercise = exercise_of(
        {"id": fingerprint(str(record["question"]))} | record, _LLMEVAL, file=file, where=where
    )
    return JudgedRow(exercise, names["model"].strip(), 1, names["response"], scores)


def _stars(record: Record, kind: str, file: str, where: str) -> Iterator[JudgedScore]:
    most, usable = _STARS[kind]
    total = sum(most.values())
    scale = Scale(f"LLMEval-2 {kind} 0-{total}", 0, total, usable)
    for name, who in (("human", "physician"), ("gpt4", "judge")):
        given: Any = record.get(name)
        if given is None:
            continue
        if isinstance(given, dict):
            given = {_DIMENSIONS.get(key, key): stars for key, stars in given.items()}
        if not isinstance(given, dict) or set(given) != set(most):
            raise wrong_type(file, where, name, "stars", given)
        for dimension, stars in given.items():
            if type(stars) is not int or not 0 <= stars <= most[dimension]:
                raise wrong_type(file, where, f"{name}.{dimension}", "stars", stars)
        rater = f"GPT-4 ({kind})" if who == "judge" else "LLMEval-2"
        parts = tuple((dimension, given[dimension]) for dimension in most)
        yield JudgedScore(
            "judge" if who == "judge" else "physician", rater, scale, sum(given.values()), parts
        )


LLMEVAL_2 = JudgedFormat(
    "llmeval-2", "jsonl", ("question", "type", "model", "response"), _stars_row
)

JUDGED: tuple[JudgedFormat, ...] = (HEALTHBENCH_META, LLMEVAL_2)
#: How the questions of such files are read again from their stored records.
DECLARED = (_META, _LLMEVAL)

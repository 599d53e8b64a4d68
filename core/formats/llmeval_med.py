"""LLMEval-Med's released files: five categories, each a list of records."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.domain.criteria import Criteria
from core.domain.questions import Difficulty, QuestionKey
from core.domain.scales import RELEASED
from core.errors import BrokenFile
from core.formats.base import (
    BenchmarkQuestion,
    GivenResponse,
    GivenScore,
    check_conversations,
    is_missing,
    json_of,
    text_field,
    text_of_file,
    whole_number,
    wrong_type,
)
from core.formats.broken import Broken

#: The file's keys, in its order, and the code of each category.
CATEGORY_CODES = {
    "医疗知识": "MK",
    "医疗推理": "MR",
    "医疗语言理解": "MLU",
    "医疗安全伦理": "MSE",
    "医疗文本生成": "MTG",
}
_CATEGORY_NAMES = {code: name for name, code in CATEGORY_CODES.items()}
_CRITERIA_FIELDS = ("problem", "sanswer", "checklist")
DIFFICULTIES: dict[str, Difficulty] = {
    "": "",
    "易": "easy",
    "中": "medium",
    "难": "hard",
}


def read_questions(path: Path) -> list[BenchmarkQuestion]:
    """Read the questions of a benchmark file, in its order.

    Raises:
        BrokenFile: names the file, the record and the field that can't be read; or how many
            records there are that can't, and the first of them.
    """
    broken = Broken(path.name)
    questions = broken.each(
        _records(path, broken),
        lambda one: (one[2], _question(one[0], one[1], file=path.name, where=one[2])),
    )
    broken.refuse()
    check_conversations([(where, one.key) for where, one in questions], file=path.name)
    return [one for _, one in questions]


def criteria_of_record(record: str) -> Criteria:
    """The criteria that a stored record (JSON) holds."""
    return _criteria(json.loads(record), file="", where="")


def read_responses(path: Path) -> list[GivenResponse]:
    """Read `model_answer` and, where present, the released score of every record.

    Raises:
        BrokenFile: as `read_questions`; `no_answers` where no record has `model_answer`.
    """
    broken = Broken(path.name)
    records = list(_records(path, broken))
    responses = broken.each(
        records, lambda one: _response(one[0], one[1], file=path.name, where=one[2])
    )
    broken.refuse()
    if not any("model_answer" in record for _, record, _ in records):
        raise BrokenFile("no_answers", file=path.name, field="model_answer")
    return responses


def released_text(records: list[tuple[str, dict[str, Any]]]) -> str:
    """Write records in the released shape.

    Args:
        records: category code and record, in order.
    """
    shape: dict[str, list[dict[str, Any]]] = {}
    for code, record in records:
        shape.setdefault(_CATEGORY_NAMES.get(code, code), []).append(record)
    return json.dumps(shape, ensure_ascii=False, indent=4) + "\n"


def _records(path: Path, broken: Broken) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Category code, record and place of every record."""
    file = path.name
    content = json_of(text_of_file(path), file=file)
    if not isinstance(content, dict) or not content:
        raise BrokenFile("not_five_keys", file=file, keys="、".join(CATEGORY_CODES))
    for name, records in content.items():
        if name not in CATEGORY_CODES:
            keys = "、".join(CATEGORY_CODES)
            raise BrokenFile("not_a_category", file=file, found=name[:60], keys=keys)
        if not isinstance(records, list):
            raise wrong_type(file, name, name, "list", records)
        for number, record in enumerate(records, 1):
            where = f"{name} {number}"
            if isinstance(record, dict):
                yield CATEGORY_CODES[name], record, where
            else:
                broken.add(wrong_type(file, where, name, "object", record))


def _key(code: str, record: dict[str, Any], *, file: str, where: str) -> QuestionKey:
    turn = whole_number(record, "round", file=file, where=where)
    group = whole_number(record, "groupCode", file=file, where=where)
    if turn < 1:
        raise wrong_type(file, where, "round", "whole_number", turn)
    return QuestionKey(code, str(group), turn)


def _question(code: str, record: dict[str, Any], *, file: str, where: str) -> BenchmarkQuestion:
    key = _key(code, record, file=file, where=where)
    texts = {
        field: text_field(record, field, file=file, where=where)
        for field in ("category2", "scene", "difficulty")
    }
    criteria = _criteria(record, file=file, where=where)
    if "problem" not in record:
        raise BrokenFile("missing_field", file=file, where=where, field="problem")
    if not criteria.question_text.strip():
        raise wrong_type(file, where, "problem", "text", record.get("problem"))
    if texts["difficulty"] not in DIFFICULTIES:
        raise wrong_type(file, where, "difficulty", "difficulty", texts["difficulty"])
    return BenchmarkQuestion(
        key,
        criteria,
        texts["category2"],
        texts["scene"],
        DIFFICULTIES[texts["difficulty"]],
        json.dumps(record, ensure_ascii=True),
    )


def _criteria(record: dict[str, Any], *, file: str, where: str) -> Criteria:
    return Criteria(
        *(text_field(record, field, file=file, where=where) for field in _CRITERIA_FIELDS)
    )


def _response(code: str, record: dict[str, Any], *, file: str, where: str) -> GivenResponse:
    key = _key(code, record, file=file, where=where)
    question = text_field(record, "problem", file=file, where=where) or None
    is_given = not is_missing(record.get("model_answer"))
    text = text_field(record, "model_answer", file=file, where=where)
    absent_because = None if text else "empty" if is_given else "not_given"
    score = _score(record, file=file, where=where) if "model_answer_score" in record else None
    return GivenResponse(key, None, text or None, absent_because, question, score, where)


def _score(record: dict[str, Any], *, file: str, where: str) -> GivenScore:
    """The released score: a digit as text; "-1" was not found, "" is a failed call."""
    written = text_field(record, "model_answer_score", file=file, where=where).strip()
    rationale = text_field(record, "model_answer_judgement", file=file, where=where)
    reason = text_field(record, "model_answer_unscored", file=file, where=where)
    if written in ("", "-1"):
        because = reason or ("call_failed" if written == "" else "score_not_found")
        return GivenScore(None, because, written, rationale)
    if not written.isascii() or not written.isdigit():
        return GivenScore(None, "not_an_integer", written, rationale)
    if len(written) > 3 or not RELEASED.holds(int(written)):
        return GivenScore(None, "out_of_range", written, rationale)
    return GivenScore(int(written), None, "", rationale)

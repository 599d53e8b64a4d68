"""What a column of somebody's table stands for."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from core.domain.closed import LABELS
from core.domain.scales import Scale
from core.errors import Refused, UnknownName

#: What each row is about.
QUESTION_FIELDS = ("question_id", "category", "turn", "question", "reference", "checklist")
#: Of closed questions, whose options stand in one cell or in columns `option:A`, `option:B` …;
#: and what exercises are reported by.
EXAM_FIELDS = (
    "options", "right_options", "stem", "stage", "department", "question_type", "level",
)  # fmt: skip
RESPONSE_FIELDS = ("model", "sample", "response", "absent_because")
#: A score in its own row; a table may hold them in columns `judge:<name>`, `physician:<name>` too.
SCORE_FIELDS = (
    "judge", "physician", "score", "round", "attempt", "phase", "missing_because", "comment",
    "scale_minimum", "scale_maximum", "usable_from",
)  # fmt: skip
#: A row that holds 0 here is history: it is counted, and left out.
FIELDS = (*QUESTION_FIELDS, *EXAM_FIELDS, *RESPONSE_FIELDS, *SCORE_FIELDS, "is_current")
RATERS = ("judge", "physician")
#: Scales that are guessed, the usual one first, then from narrow to wide.
_SCALES = (
    (1, 5),
    (0, 1),
    (0, 2),
    (0, 3),
    (0, 4),
    (0, 5),
    (1, 7),
    (0, 7),
    (1, 10),
    (0, 10),
    (0, 100),
)
_NEARLY_ALL = 0.95
#: Scores that tell a scale from slips.
_ENOUGH = 20
_WHOLE = re.compile(r"-?\d{1,9}")

#: Names that people give to columns, without case, spaces and punctuation.
_USUAL = {
    "question_id": "questionid questionuuid qid id key 题号 题目编号 问题编号 编号",
    "category": "category category1 type domain department 类别 分类 类型 科室",
    "turn": "turn 轮次 轮",
    "question": "question prompt problem query input 问题 题目 题干",
    "reference": "reference referenceanswer gold goldanswer sanswer 参考答案 标准答案 答案",
    "checklist": "checklist rubric criteria 打分要点 评分要点 要点 评分标准",
    "model": "model modelname 模型 模型名称",
    "sample": "sample 样本",
    "response": "response answer output modelanswer completion 回答 模型回答 回复",
}
_FIELD_OF = {name: field for field, names in _USUAL.items() for name in names.split()}
_JUDGING = re.compile(r"judge|gpt|llm|qwen|deepseek|claude|评审|机评|自动")
_SCORING = re.compile(r"doctor|physician|expert|human|rater|^dr|医生|医师|专家|人工")
_SCALE = re.compile(r"(?P<minimum>-?\d{1,6})\s*(?:-|–|~|to|到|至)\s*(?P<maximum>-?\d{1,6})")


def is_field(field: str) -> bool:
    """Tell whether a column can stand for this."""
    kind, colon, name = field.partition(":")
    if kind == "option" and colon:
        return len(name) == 1 and name in LABELS
    return field in FIELDS or (kind in RATERS and bool(colon) and bool(name.strip()))


def guessed_field(column: str) -> str:
    """What a column probably stands for by its name; '' where nothing suggests itself."""
    if is_field(column):
        return column
    plain = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", column)).casefold()
    if plain in _FIELD_OF:
        return _FIELD_OF[plain]
    if _SCORING.search(plain):
        return f"physician:{column}"
    return f"judge:{column}" if _JUDGING.search(plain) else ""


def read_mapping(written: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """The field of each column, from `COLUMN=FIELD` as typed; `COLUMN=` leaves a column out.

    A column that is called like a field stands for it unless something else is said.

    Raises:
        Refused: `not_a_mapping` for a text without `=`; and as `check_mapping`.
        UnknownName: as `check_mapping`.
    """
    found = {column: column for column in columns if is_field(column)}
    for one in written:
        column, equals, field = one.rpartition("=")
        if not equals:
            raise Refused("not_a_mapping", written=one)
        found[column] = field.strip()
    mapping = {column: field for column, field in found.items() if field}
    check_mapping(mapping, columns)
    return mapping


def check_mapping(mapping: Mapping[str, str], columns: Sequence[str]) -> None:
    """Refuse a mapping that says nothing, or two things.

    Raises:
        UnknownName: `unknown_column`.
        Refused: `unknown_field`, `field_twice`, `needs_question`, `needs_rater`.
    """
    for column, field in mapping.items():
        if column not in columns:
            raise UnknownName("unknown_column", name=column, known=", ".join(columns))
        if not is_field(field):
            raise Refused("unknown_field", written=field, known=", ".join(FIELDS))
    fields = list(mapping.values())
    for field in fields:
        if fields.count(field) > 1:
            raise Refused("field_twice", written=field)
    if not {"question_id", "question"} & set(fields):
        raise Refused("needs_question")
    if ("score" in fields) != bool({"judge", "physician"} & set(fields)):
        raise Refused("needs_rater")


def read_scale(written: str, usable_from: int | None) -> Scale:
    """A scale such as `0-3`; without a threshold, usable from 4 on 1-5 and 0-5.

    Raises:
        Refused: `not_a_scale`, `needs_usable`, `usable_outside_scale`.
    """
    found = _SCALE.fullmatch(written.strip())
    if found is None or int(found["minimum"]) >= int(found["maximum"]):
        raise Refused("not_a_scale", written=written)
    minimum, maximum = int(found["minimum"]), int(found["maximum"])
    if usable_from is None:
        if (minimum, maximum) not in ((1, 5), (0, 5)):
            raise Refused("needs_usable", written=written)
        usable_from = 4
    if not minimum <= usable_from <= maximum:
        raise Refused("usable_outside_scale", usable=usable_from, written=written)
    return Scale("", minimum, maximum, usable_from)


def guessed_scale(cells: Iterable[object]) -> Scale:
    """The scale that holds nearly all scores of a table: 1-5 if it does, else the narrowest.

    The upper quarter of another scale than 1-5 is taken for usable, to be said otherwise by whoever
    knows.
    """
    written = (str(cell).strip().removesuffix(".0") for cell in cells)
    scores = [int(text) for text in written if _WHOLE.fullmatch(text)]
    if len(scores) < _ENOUGH:
        return Scale("", 1, 5, 4)
    for minimum, maximum in _SCALES:
        inside = sum(minimum <= score <= maximum for score in scores)
        if inside >= _NEARLY_ALL * len(scores):
            usable_from = maximum - (maximum - minimum) // 4
            return Scale("", minimum, maximum, usable_from)
    return Scale("", 1, 5, 4)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula; `as_written` is its inverse."""
    return f"'{text}" if _FORMULA.match(text) else text


def as_written(text: str) -> str:
    """The text that `harmless` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


#: What spreadsheets read as a formula, full-width forms too; apostrophes in front, so that the
#: one that is put there can be told from those of the text.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")

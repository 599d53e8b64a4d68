"""Rows of a table under a mapping: questions, responses, scores, and every cell that is neither."""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from core.domain.closed import NO_STRATA, Closed, Strata, with_options
from core.domain.questions import EVERY_CATEGORY, QuestionKey, question_key
from core.domain.scales import Scale
from core.domain.table_fields import EXAM_FIELDS, RATERS, as_written
from core.errors import BrokenFile
from core.formats import options as written_options
from core.formats.llmeval_med import CATEGORY_CODES
from core.formats.tables import Problem, Table

Kind = Literal["judge", "physician"]
Phase = Literal["blind", "informed", "unknown"]

#: The category of questions for which a table names none.
NO_CATEGORY = "general"
_TEXTS = ("question", "reference", "checklist")
#: Below every whole number that a cell is asked for.
_ANY = -999
_NOTHING = {"", "nan", "na", "n/a", "null", "none", "-", "–", "—", "无", "缺失", "未评"}
_ABSENT = ("filtered", "too_long", "reasoning_cut", "earlier_turn_failed", "empty", "not_given")
_REASON = re.compile(r"[a-z][a-z_]{1,39}")


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of a table are to be read.

    Attributes:
        mapping: field of each column.
        model: whose responses they are where no column says so; '' where nobody said.
        phase: what a physician's score counts as where its row does not say.
    """

    mapping: Mapping[str, str]
    model: str
    scale: Scale
    judge_scale: Scale
    phase: Phase


@dataclass(slots=True)
class TableQuestion:
    """A question with the texts that the table gives: no key for what is missing."""

    key: QuestionKey
    line: int
    texts: dict[str, str] = field(default_factory=dict)
    strata: Strata = NO_STRATA
    closed: Closed | None = None
    asked: str = ""  # the question's own cell, without stem and options
    lines: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class TableResponse:
    """A response: a text, or the reason why there is none."""

    key: QuestionKey
    model: str
    sample: int
    line: int
    text: str | None
    absent_because: str


@dataclass(frozen=True, slots=True)
class TableScore:
    """A score, or the reason why there is none."""

    key: QuestionKey
    model: str
    sample: int
    kind: Kind
    rater: str
    round: int
    attempt: int
    value: int | None
    because: str | None
    comment: str
    phase: Phase
    scale: Scale


@dataclass(slots=True)
class Content:
    """All that a table says.

    Attributes:
        history: rows that were left out because they say that they are not current.
    """

    questions: dict[QuestionKey, TableQuestion]
    responses: dict[tuple[QuestionKey, str, int], TableResponse]
    scores: list[TableScore]
    problems: list[Problem]
    history: int = 0


def content_of(table: Table, reading: Reading, *, has_apostrophes: bool = False) -> Content:
    """Read every row; what can't be read is a problem, and the rows after it are read too.

    Args:
        has_apostrophes: take off the apostrophes that an export puts in front of formulas.
    """
    reader = _Reader(table, reading, has_apostrophes=has_apostrophes)
    reader.read()
    reader.check_questions()
    reader.content.problems.sort(key=lambda problem: problem.line)
    return reader.content


class _Unreadable(Exception):
    """A cell can't be read; the rest of its row is left."""

    def __init__(self, column: str, why: str, **values: object) -> None:
        super().__init__(column, why)
        self.column, self.why, self.values = column, why, values


class _Reader:
    """One pass over a table."""

    def __init__(self, table: Table, reading: Reading, *, has_apostrophes: bool) -> None:
        self.table = table
        self.reading = reading
        self.has_apostrophes = has_apostrophes
        self.columns = {name: column for column, name in reading.mapping.items()}
        self.places = {name: table.columns.index(column) for name, column in self.columns.items()}
        self.content = Content({}, {}, [], list(table.problems))
        self.score_lines: dict[tuple[object, ...], int] = {}
        self.names: dict[tuple[str, str], str] = {}
        self.scales: dict[str, Scale] = {}
        self.has_answers = any(
            name in ("model", "response", "score") or name.partition(":")[0] in RATERS
            for name in self.columns
        )
        self.wide = [
            (name, cast(Kind, kind), rater.strip())
            for name in self.columns
            for kind, colon, rater in [name.partition(":")]
            if colon and kind in RATERS
        ]
        self.has_exam = any(
            name in EXAM_FIELDS or name.startswith("option:") for name in self.columns
        )
        self.options = sorted(name for name in self.columns if name.startswith("option:"))

    def read(self) -> None:
        """Read every row."""
        for line, row in self.table.rows:
            try:
                self._row(line, row)
            except _Unreadable as error:
                self._problem(line, error)

    def check_questions(self) -> None:
        """Every question needs a text where the table has texts, and the turn before it."""
        for key, question in self.content.questions.items():
            if "question" in self.columns and "question" not in question.texts:
                self._add(question.line, "question", "no_question", {})
            before = QuestionKey(key.category, key.group, key.turn - 1)
            if key.turn > 1 and before not in self.content.questions:
                values: dict[str, object] = {"key": str(key), "before": str(before)}
                self._add(question.line, "turn", "missing_turn", values)

    def _row(self, line: int, row: Sequence[Any]) -> None:
        if self._text(row, "is_current").strip() in ("0", "False", "false"):
            self.content.history += 1
            return
        key = self._key(row)
        self._question(key, line, row)
        if not self.has_answers:
            return
        model = self._text(row, "model").strip() or self.reading.model
        if not model:
            raise _Unreadable("model", "missing")
        sample = self._whole(row, "sample", 1, least=1)
        self._response(key, model, sample, line, row)
        for score in self._scores(key, model, sample, line, row):
            self._score(score, line)

    # --- questions --------------------------------------------------------------------------

    def _key(self, row: Sequence[Any]) -> QuestionKey:
        written = self._text(row, "question_id").strip()
        category = self._text(row, "category").strip()
        category = "" if category == EVERY_CATEGORY else category
        turn = self._whole(row, "turn", 0, least=1)
        whole = question_key(written)
        if whole is not None:
            code = self._code("category", category) if category else whole.category
            if code != whole.category or turn not in (0, whole.turn):
                raise _Unreadable("question_id", "another_key", key=written)
            return whole
        if written:
            group = self._code("question_id", written)
        else:
            text = self._text(row, "question")
            if "question_id" in self.columns or not text:
                name = "question_id" if "question_id" in self.columns else "question"
                raise _Unreadable(name, "missing")
            group = fingerprint(text)
        code = self._code("category", category) if category else NO_CATEGORY
        return QuestionKey(code, group, turn or 1)

    def _code(self, name: str, written: str) -> str:
        """A name that can stand in a key; two names never become one code."""
        if name == "category" and written in CATEGORY_CODES:
            return CATEGORY_CODES[written]
        code = re.sub(r"\s+", "_", written.replace(":", "."))
        if self.names.setdefault((name, code), written) != written:
            raise _Unreadable(name, "same_code", other=self.names[name, code])
        return code

    def _question(self, key: QuestionKey, line: int, row: Sequence[Any]) -> None:
        question = self.content.questions.get(key)
        if question is None:
            question = self.content.questions[key] = TableQuestion(key, line)
        for name in _TEXTS:
            text = self._text(row, name)
            if not text:
                continue
            known = question.asked if name == "question" else question.texts.get(name, "")
            if known not in ("", text):
                raise _Unreadable(name, "differs", key=str(key), line=question.lines[name])
            if not known:
                question.texts[name] = text
                question.asked = text if name == "question" else question.asked
            question.lines.setdefault(name, line)
        if self.has_exam:
            self._exam(question, row)

    def _exam(self, question: TableQuestion, row: Sequence[Any]) -> None:
        """Options and strata, from the first row of a question that has them."""
        texts = {name: self._text(row, name).strip() for name in EXAM_FIELDS}
        if question.strata == NO_STRATA and any(texts.values()):
            level = texts["level"]
            if level and level not in tuple("12345"):
                raise _Unreadable("level", "not_a_level", found=level[:60])
            question.strata = Strata(
                texts["stage"], texts["department"], texts["question_type"],
                int(level) if level else None, "file" if level else "",
                fingerprint(texts["stem"]) if texts["stem"] else "",
            )  # fmt: skip
        if question.closed is None:
            question.closed = self._closed(row, texts)
            if question.closed is not None:
                stem, asked = texts["stem"], question.texts.get("question", "")
                text = with_options(
                    f"{stem}\n\n{asked}" if stem else asked, question.closed.options
                )
                question.texts["question"] = text
                question.texts.setdefault("reference", question.closed.right or "")

    def _closed(self, row: Sequence[Any], texts: Mapping[str, str]) -> Closed | None:
        apart = {name[-1]: self._text(row, name).strip() for name in self.options}
        given: Any = {label: text for label, text in apart.items() if text} or texts["options"]
        if not given:
            return None
        place = {"file": "", "where": "", "field": ""}
        try:
            options = written_options.options_of(given, "", **place)
        except BrokenFile as error:
            raise _Unreadable("options", "bad_options", **error.values) from error
        assert options is not None
        try:
            right = written_options.right_labels(texts["right_options"], options, **place)
        except BrokenFile as error:
            raise _Unreadable("right_options", "answer_not_an_option", **error.values) from error
        kind = texts["question_type"] + self._text(row, "question")
        several = written_options.asks_for_several(kind)
        if (
            len(right or "") > 1
            and not several
            and written_options.asks_for_one(texts["question_type"])
        ):
            raise _Unreadable(
                "right_options", "one_right_option", found=right, kind=texts["question_type"]
            )
        return Closed(options, right, several or len(right or "") > 1)

    # --- responses --------------------------------------------------------------------------

    def _response(
        self, key: QuestionKey, model: str, sample: int, line: int, row: Sequence[Any]
    ) -> None:
        text = self._text(row, "response") or None
        because = self._text(row, "absent_because").strip()
        if because not in _ABSENT:
            because = "empty" if "response" in self.columns else "not_given"
        known = self.content.responses.get((key, model, sample))
        if known is None:
            found = TableResponse(key, model, sample, line, text, because)
            self.content.responses[key, model, sample] = found
        elif text is not None and known.text is None:
            known.text, known.line = text, line
        elif text is not None and known.text != text:
            raise _Unreadable("response", "two_responses", model=model, line=known.line)

    # --- scores -----------------------------------------------------------------------------

    def _scores(
        self, key: QuestionKey, model: str, sample: int, line: int, row: Sequence[Any]
    ) -> Iterator[TableScore]:
        phase = self._phase(row)
        comment = self._text(row, "comment")
        for name, kind, rater in self.wide:
            try:
                scale = self._default_scale(kind)
                value = self._value(row, name, scale)
            except _Unreadable as error:  # the row's other scores are read
                self._problem(line, error)
                continue
            if value is None and kind == "physician":
                continue
            because = "not_given" if value is None else None
            yield TableScore(
                key, model, sample, kind, rater, 1, 1, value, because, "", phase, scale
            )
        raters = [(kind, self._text(row, kind).strip()) for kind in RATERS if kind in self.columns]
        named = [(kind, rater) for kind, rater in raters if rater]
        if len(named) > 1:
            raise _Unreadable("judge", "two_raters", physician=named[1][1])
        for written, rater in named:
            kind = cast(Kind, written)
            scale = self._scale(row, kind)
            value = self._value(row, "score", scale)
            reason = self._text(row, "missing_because").strip() if value is None else ""
            if reason and not _REASON.fullmatch(reason):
                raise _Unreadable("missing_because", "not_a_reason", found=reason[:60])
            if value is None and not reason and kind == "physician":
                continue
            because = (reason or "not_given") if value is None else None
            yield TableScore(
                key, model, sample, kind, rater, self._whole(row, "round", 1, least=1),
                self._whole(row, "attempt", 1, least=1), value, because, comment, phase, scale,
            )  # fmt: skip

    def _score(self, score: TableScore, line: int) -> None:
        identity = (
            score.key, score.model, score.sample, score.kind, score.rater, score.round,
            score.attempt,
        )  # fmt: skip
        first = self.score_lines.setdefault(identity, line)
        if first != line:
            name = f"{score.kind}:{score.rater}"
            column = name if name in self.columns else "score"
            raise _Unreadable(column, "two_scores", rater=score.rater, line=first)
        is_judge = score.kind == "judge"
        if is_judge and self.scales.setdefault(score.rater, score.scale) != score.scale:
            raise _Unreadable("scale_minimum", "two_scales", rater=score.rater)
        self.content.scores.append(score)

    def _default_scale(self, kind: Kind) -> Scale:
        return self.reading.judge_scale if kind == "judge" else self.reading.scale

    def _scale(self, row: Sequence[Any], kind: Kind) -> Scale:
        names = ("scale_minimum", "scale_maximum", "usable_from")
        if not any(self._text(row, name).strip() for name in names):
            return self._default_scale(kind)
        minimum, maximum, usable = (self._whole(row, name, None) for name in names)
        if not minimum < maximum or not minimum <= usable <= maximum:
            raise _Unreadable("scale_minimum", "not_a_scale")
        return Scale("", minimum, maximum, usable)

    def _value(self, row: Sequence[Any], name: str, scale: Scale) -> int | None:
        written = self._text(row, name).strip()
        if written.casefold() in _NOTHING:
            return None
        value = _integer(written)
        if value is None:
            raise _Unreadable(
                name, "not_a_score", found=written[:60], minimum=scale.minimum,
                maximum=scale.maximum,
            )  # fmt: skip
        if not scale.holds(value):
            raise _Unreadable(
                name, "outside", found=value, minimum=scale.minimum, maximum=scale.maximum
            )
        return value

    def _phase(self, row: Sequence[Any]) -> Phase:
        written = self._text(row, "phase").strip()
        if written == "":
            return self.reading.phase
        if written not in ("blind", "informed", "unknown"):
            raise _Unreadable("phase", "not_a_phase", found=written[:60])
        return cast(Phase, written)

    # --- cells ------------------------------------------------------------------------------

    def _text(self, row: Sequence[Any], name: str) -> str:
        """A cell's text to the character; '' where there is no column or nothing in it."""
        place = self.places.get(name)
        value = None if place is None else row[place]
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ""
        if isinstance(value, str):
            if not value.isprintable() and _broken(value):
                raise _Unreadable(name, "not_text")
            return as_written(value) if self.has_apostrophes else value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            if isinstance(value, bool) and name == "is_current":
                return str(value)
            raise _Unreadable(name, "wrong_cell", kind=type(value).__name__)
        is_whole = isinstance(value, float) and value.is_integer()
        return str(int(value)) if is_whole else str(value)

    def _whole(self, row: Sequence[Any], name: str, default: int | None, least: int = _ANY) -> int:
        written = self._text(row, name).strip()
        if written == "" and default is not None:
            return default
        value = _integer(written)
        if value is None and least == _ANY:
            raise _Unreadable(name, "not_a_whole_number", found=written[:60])
        if value is None or value < least:
            raise _Unreadable(name, "below", found=written[:60], least=least)
        return value

    def _problem(self, line: int, error: _Unreadable) -> None:
        self._add(line, error.column, error.why, error.values)

    def _add(self, line: int, name: str, why: str, values: dict[str, object]) -> None:
        column = self.columns.get(name, name)
        self.content.problems.append(Problem(line, column, why, values))


def fingerprint(text: str) -> str:
    """What a question is called that has no id: the same for the same text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:10]


def _integer(written: str) -> int | None:
    """A whole number as spreadsheets write it: `4`, `4.0`."""
    whole = re.fullmatch(r"([+-]?\d{1,9})(?:\.0+)?", written)
    return int(whole[1]) if whole else None


def _broken(text: str) -> bool:
    """Whether a text holds half of a surrogate pair."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)

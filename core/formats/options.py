"""Options and right answers of closed questions, in the ways in which files write them."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from core.domain.closed import LABELS
from core.errors import BrokenFile
from core.formats.base import is_missing, wrong_type

Options = tuple[tuple[str, str], ...]

_LABELLED = re.compile(
    r"\s*[(（]?(?P<label>[A-Pa-pＡ-Ｐ])[)）]?(?:\s*[.．、:：)）]\s*|\s+)(?P<text>\S.*)", re.S
)
_IN_TEXT = re.compile(r"^\s*[(（]?(?P<label>[A-PＡ-Ｐ])[)）]?\s*[.．、:：]\s*(?P<text>\S.*?)\s*$")
_ONE = ("单选", "单项选择", "C型选择", "ingle choice", "ingle-choice")
_SEVERAL = ("多选", "多项选择", "不定项", "X型题", "elect all", "ll that apply")
_LETTERS = re.compile(r"[A-P](?:[\s,，、;；]*[A-P])*")
#: So many options in a row at the end of a question's text are its options.
_FEWEST_IN_TEXT = 3


def options_of(given: Any, asked: str, *, file: str, where: str, field: str) -> Options | None:
    """The options of a question; None where it is an open one.

    They stand in an object by label, in a list of texts with or without labels, in a text of one
    option a line, or at the end of the question.

    Raises:
        BrokenFile: `wrong_type`, `bad_options`.
    """
    if is_missing(given) or given in ("", [], {}):
        return _in_question(asked)
    if isinstance(given, dict):
        found = [
            (str(label).strip().upper(), text)
            for label, text in given.items()
            if not is_missing(text) and str(text).strip()
        ]
    elif isinstance(given, list):
        found = _labelled(given)
    elif isinstance(given, str):
        found = _labelled([line for line in given.splitlines() if line.strip()])
    else:
        raise wrong_type(file, where, field, "options", given)
    options = tuple((label, _text(text, file, where, field)) for label, text in found)
    labels = [label for label, _ in options]
    if len(labels) < 2 or sorted(labels) != list(LABELS[: len(labels)]):
        raise BrokenFile("bad_options", file=file, where=where, labels=", ".join(labels)[:60])
    return tuple(sorted(options))


def right_labels(answer: Any, options: Options, *, file: str, where: str, field: str) -> str | None:
    """Labels of the right options in order; None where the file gives none.

    Raises:
        BrokenFile: `answer_not_an_option`.
    """
    if isinstance(answer, list):
        answer = "".join(str(one) for one in answer)
    if is_missing(answer) or str(answer).strip() == "":
        return None
    written = unicodedata.normalize("NFKC", str(answer)).strip()
    labels = {label for label, _ in options}
    bare = written.strip("<>【】[](). ").upper()
    letters = re.findall("[A-P]", bare) if _LETTERS.fullmatch(bare) else []
    if letters and set(letters) <= labels and len(set(letters)) == len(letters):
        return "".join(sorted(letters))
    same = [
        label for label, text in options
        if written in (text.strip(), f"{label}. {text.strip()}", f"{label}: {text.strip()}",
                       f"{label}、{text.strip()}", f"{label} {text.strip()}")
    ]  # fmt: skip
    if len(same) != 1:
        raise BrokenFile(
            "answer_not_an_option", file=file, where=where, field=field, found=written[:60],
            labels="".join(sorted(labels)),
        )  # fmt: skip
    return same[0]


def asks_for_one(kind: str) -> bool:
    """Whether a question's type says that one option is right."""
    return any(words in kind for words in _ONE)


def asks_for_several(text: str) -> bool:
    """Whether a question or its type says that several options may be right."""
    return any(words in text for words in _SEVERAL)


def _in_question(asked: str) -> Options | None:
    """Options that end a question's text, one a line from A on."""
    lines = [line for line in asked.splitlines() if line.strip()]
    found: list[tuple[str, str]] = []
    for line in reversed(lines):
        option = _IN_TEXT.match(line)
        if option is None:
            break
        found.insert(0, (unicodedata.normalize("NFKC", option["label"]), option["text"]))
    labels = [label for label, _ in found]
    if len(found) < _FEWEST_IN_TEXT or labels != list(LABELS[: len(labels)]):
        return None
    return tuple(found) if len(lines) > len(found) else None


def _labelled(texts: Sequence[Any]) -> list[tuple[str, Any]]:
    """Texts with their labels: those that they begin with, or A, B, C …"""
    parts = [_LABELLED.fullmatch(str(text)) for text in texts]
    found = [
        (unicodedata.normalize("NFKC", part["label"]).upper(), part["text"].rstrip())
        for part in parts
        if part is not None
    ]
    if len(found) == len(texts) and "".join(label for label, _ in found) in LABELS:
        return list(found)
    return list(zip(LABELS, texts, strict=False))


def _text(value: Any, file: str, where: str, field: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise wrong_type(file, where, field, "text", value)
    return str(value).strip()

"""Which options an answer chooses, read strictly: what can't be read has a reason, never a guess.

An answer states its choice, or it consists of it. Stated is what stands in a box or in brackets
(`<B>`, `【B】`, `boxed{B}`), after words that introduce an answer ("答案：B", "the answer is B"),
or before words that say so ("B 项正确"). An answer consists of its choice where there is nothing
but letters, where it begins with a label, or where it is the text of one option word for word.
Abbreviations (CT, B超, CKD-A, Child A级, E. coli) are no labels.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from core.domain.answers import answer_of
from core.domain.choice_options import Options, plain
from core.domain.choice_words import (
    BRACKETED,
    FINAL,
    FRAME,
    HEADED,
    INTRODUCED,
    LABEL_LINE,
    LEADING,
    MAY_FOLLOW,
    NEGATED,
    ONLY_LETTERS,
    PLAINEST,
    RIGHT_WORD,
    SAID_RIGHT,
    SAID_WRONG,
    SPECIES,
    STATED,
    THE_ANSWER,
)

#: Version of the rules below: readings of two versions never mix.
READER = 2

#: Why no choice was read. `no_choice`: nothing states one; `several_readings`: statements that
#: contradict each other; `several_chosen`: more than one where one was asked for; `not_an_option`:
#: a letter that no option has; `letter_and_text_differ`: a label with the text of another option.
Unread = Literal[
    "no_choice", "several_readings", "several_chosen", "not_an_option", "letter_and_text_differ"
]


@dataclass(frozen=True, slots=True)
class Choice:
    """What was read: the labels in order, or why there are none.

    Attributes:
        detail: the words that were read, or those that stand against each other.
    """

    chosen: str | None
    unread_because: Unread | None
    detail: str


@dataclass(frozen=True, slots=True)
class _Statement:
    """Letters that some words of an answer state, and where."""

    letters: str
    start: int
    words: str
    is_final: bool = False
    is_hedged: bool = False
    differs: bool = False


#: An answer of at most so many characters may be one that many models give to many questions.
_SHORT = 24
#: No negation is longer, with the blanks around it.
_NEGATION = 64


class ChoiceReader:
    """Reads which options of one question answers choose."""

    def __init__(self, options: Sequence[tuple[str, str]], *, takes_several: bool) -> None:
        """Take label and text of each option as the model was shown them."""
        self._options = Options(options)
        self._takes_several = takes_several

    def choice(self, text: str) -> Choice:
        """Read an answer; reasoning in `<think>` marks is left out."""
        if len(text) <= _SHORT and not self._options.are_lettered:
            found = _of_letters(text, self._options.labels, self._takes_several)
            if found is not None:
                return found
        answer = answer_of(text).text
        if answer is None:
            return Choice(None, "no_choice", "")
        return _Reader(plain(answer), self._options, self._takes_several).choice()


@lru_cache(maxsize=1 << 14)
def _of_letters(text: str, labels: str, takes_several: bool) -> Choice | None:
    """The choice of an answer of nothing but labels; as the whole reading, for a hundredth."""
    found = PLAINEST.fullmatch(text)
    letters = found["letters"] if found else ""
    is_set = len(set(letters)) == len(letters) and set(letters) <= set(labels)
    if not letters or not is_set or (len(letters) > 1 and not takes_several):
        return None
    return Choice("".join(sorted(letters)), None, text.strip())


class _Reader:
    """One answer beside the options of its question."""

    def __init__(self, text: str, options: Options, takes_several: bool) -> None:
        self.text = text.strip()
        self.options = options
        self.takes_several = takes_several

    def choice(self) -> Choice:
        whole = self._whole()
        if whole is not None:
            return whole
        strong, weak = self._strong(), self._weak()
        if strong:  # what is said to be right on the way there counts no longer
            weak = [one for one in weak if one.start > strong[-1].start]
        if strong or weak:
            return self._settled([*strong, *weak])
        found = self._leading() or self._last_line()
        return found or Choice(None, "no_choice", "")

    # --- an answer that consists of its choice ----------------------------------------------

    def _whole(self) -> Choice | None:
        """The whole answer is letters, or one option's text."""
        same = self.options.label_of(self.text)
        found = ONLY_LETTERS.fullmatch(self.text)
        letters = _letters(found["letters"]) if found else ""
        if found is None or self.options.is_abbreviation(found["letters"]):
            return None if same is None else Choice(same, None, self.text)
        if same is not None and same != letters:
            return Choice(None, "several_readings", self.text)
        is_hedged = bool(re.search(r"或|\bor\b", self.text, re.IGNORECASE))
        return self._checked(letters, self.text, is_hedged)

    def _leading(self) -> Choice | None:
        """The answer begins with a label and a delimiter, or every line of it is an option."""
        labelled = [found["letter"] for found in LABEL_LINE.finditer(self.text)]
        if len(set(labelled)) > 1:
            return self._listed() if self.takes_several else None
        found = LEADING.match(self.text)
        if found is None or not self.options.has(found["letter"]):
            return self._with_text()
        rest = self.text[found.end() :]
        if SAID_WRONG.match(rest) or self.options.others_follow(found["letter"], rest):
            return None
        if self.options.is_anothers_text(found["letter"], rest):
            return Choice(None, "letter_and_text_differ", self.text[:80])
        is_own = self.options.own_text_begins(found["letter"], rest)
        is_species = SPECIES.match(self.text[found.end("letter") :]) is not None
        if found["delimiter"] == "选项" and not is_own and re.match(r"\w", rest):
            return None
        if found["delimiter"] in (",", ".") and not is_own and (is_species or not rest.strip()):
            return None
        return Choice(found["letter"], None, self.text[: found.end()].strip())

    def _with_text(self) -> Choice | None:
        """A label, a blank or a bracket, and the whole text of its option, at the start."""
        found = re.match(r"(?P<letter>[A-P])(?:\s*\(\s*|\s+)", self.text)
        if found is None or not self.options.has(found["letter"]):
            return None
        if not self.options.own_text_begins(found["letter"], self.text[found.end() :]):
            return None
        return Choice(found["letter"], None, self.text[:80])

    def _listed(self) -> Choice | None:
        """Lines of nothing but options: those that were chosen."""
        letters = []
        for line in self.text.splitlines():
            found = LABEL_LINE.match(line)
            if not line.strip():
                continue
            if found is None or not self.options.has(found["letter"]):
                return None
            if not self.options.is_own_text(found["letter"], line[found.end() :]):
                return None
            letters.append(found["letter"])
        return Choice("".join(sorted(set(letters))), None, self.text[:80])

    def _last_line(self) -> Choice | None:
        """The last line is nothing but letters, with a mark that they are no abbreviation."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        if len(lines) < 2:
            return None
        found = ONLY_LETTERS.fullmatch(lines[-1].strip())
        if found is None:
            same = self.options.label_of(lines[-1])
            return None if same is None else Choice(same, None, lines[-1].strip())
        letters = _letters(found["letters"])
        if not self.options.has(letters) or len(set(letters)) < len(letters):
            return None
        return self._checked(letters, lines[-1].strip(), False)

    # --- an answer that states its choice ---------------------------------------------------

    def _strong(self) -> list[_Statement]:
        """What is boxed, bracketed, or introduced as the answer, in order."""
        found = [
            _Statement(
                _letters(one["letters"]), one.start(), one[0],
                is_final="boxed" in one[0] or self._is_last(one.end()),
            )
            for one in BRACKETED.finditer(self.text)
            if self.options.has(_letters(one["letters"]))
        ]  # fmt: skip
        found += self._introduced()
        found += self._introduced_texts()
        return sorted(found, key=lambda one: one.start)

    def _introduced(self) -> Iterator[_Statement]:
        for one in STATED.finditer(self.text):
            letters = _letters(one["letters"])
            after = self.text[one.end() :]
            if self._is_negated(one.start()):
                continue
            if SAID_WRONG.match(after):  # after a comma the others may be meant: `A,B、C 均错误`
                head, comma, others = one["letters"].partition(",")
                if not comma:
                    continue
                letters, after = _letters(head), f",{others}{after}"
            if not self._is_bounded(letters, after) or self.options.is_abbreviation(one["letters"]):
                continue
            listed = self.options.listed_from(letters, after)
            is_whole_list = len(listed) == len(self.options.labels)
            if len(listed) > 1 and (is_whole_list or not self.takes_several):
                continue
            line = self.text[self.text.rfind("\n", 0, one.start()) + 1 : one.start()]
            is_headed = not re.search(r"\w", line) and bool(HEADED.match(one[0]))
            yield _Statement(
                listed or letters, one.start(), one[0].strip(),
                is_final=is_headed or self._is_last(one.end())
                or bool(FINAL.search(self._before(one.start()) + one[0])),
                is_hedged=bool(one["hedge"]),
                differs=len(letters) == 1 and self.options.is_anothers_text(letters, after),
            )  # fmt: skip

    def _introduced_texts(self) -> Iterator[_Statement]:
        """An option's text word for word after words that introduce an answer."""
        for one in INTRODUCED.finditer(self.text):
            if self._is_negated(one.start()):
                continue
            line = re.split(r"[\n。;!]", self.text[one.end() :], maxsplit=1)[0]
            rest = re.split(r"\.(?:\s|$)|,(?=因|由|\s*because)", line, maxsplit=1)[0]
            for said in (line, rest):
                same = self.options.label_of(said)
                if same is not None and not re.fullmatch(rf"{FRAME}[A-P]{FRAME}", said):
                    yield _Statement(same, one.start(), one[0] + said, is_final=True)
                    break

    def _weak(self) -> list[_Statement]:
        """What is said to be right."""
        found: list[_Statement] = []
        if not RIGHT_WORD.search(self.text):
            return found
        for one in SAID_RIGHT.finditer(self.text):
            letters = _letters(one["letters"])
            if self._is_negated(one.start()) or not self.options.has(letters):
                continue
            is_final = bool(THE_ANSWER.search(one[0])) and self._is_last(one.end())
            found.append(_Statement(letters, one.start(), one[0].strip(), is_final=is_final))
        return found

    def _settled(self, statements: Sequence[_Statement]) -> Choice:
        """What the statements come to: all say the same, or the last one is the conclusion."""
        last = statements[-1]
        if any(one.differs for one in statements):
            return Choice(None, "letter_and_text_differ", last.words)
        sides = {one.letters for one in statements}
        if len(sides) > 1 and not last.is_final:
            return Choice(None, "several_readings", " / ".join(one.words for one in statements))
        return self._checked(last.letters, last.words, last.is_hedged)

    def _checked(self, letters: str, words: str, is_hedged: bool) -> Choice:
        chosen = "".join(sorted(set(letters)))
        if not self.options.has(chosen):
            return Choice(None, "not_an_option", words)
        if is_hedged or (len(chosen) > 1 and not self.takes_several):
            return Choice(None, "several_chosen", words)
        return Choice(chosen, None, words)

    # --- what stands around the letters -----------------------------------------------------

    def _is_bounded(self, letters: str, after: str) -> bool:
        """Whether letters end here: `B.` and `B 因为` do, `B超` and `A级` do not."""
        if MAY_FOLLOW.match(after):
            return not SPECIES.match(after) or self.options.own_text_begins(letters[-1], after[1:])
        return self.options.own_text_begins(letters[-1], after)

    def _is_negated(self, start: int) -> bool:
        """Whether a "not" stands right before."""
        return bool(NEGATED.search(self.text, max(0, start - _NEGATION), start))

    def _is_last(self, end: int) -> bool:
        """Whether nothing follows but marks."""
        return not re.search(r"\w", self.text[end:])

    def _before(self, start: int) -> str:
        """The sentence so far."""
        return re.split(r"[。;\n!?]|\.\s", self.text[:start])[-1]


def _letters(found: str) -> str:
    """The letters of a list such as `A、C 和 D`."""
    return "".join(re.findall(r"[A-Pa-p]", re.sub(r"\band\b|\bor\b", "", found))).upper()

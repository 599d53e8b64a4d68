"""Which options an answer chooses, read strictly: what can't be read has a reason, never a guess.

An answer states its choice, or it consists of it. Stated is what stands in a box or in brackets
(`<B>`, `【B】`, `boxed{B}`), after words that introduce an answer ("答案：B", "the answer is B"),
or before words that say so ("B 项正确"). An answer consists of its choice where there is nothing
but letters, where it begins with a label, or where it is the text of one option word for word.
Abbreviations (CT, B超, CKD-A, Child A级, E. coli) are no labels.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

from core.domain.answers import answer_of
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
READER = 1

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
#: A sign that stays what it is and is no label of an option.
_HOLDS_MORE = re.compile(r"[\u4e00-\u9fff0-9Q-Zq-z]")


class ChoiceReader:
    """Reads which options of one question answers choose."""

    def __init__(self, options: Sequence[tuple[str, str]], *, takes_several: bool) -> None:
        """Take label and text of each option as the model was shown them."""
        self._written = options
        self._labels = "".join(label for label, _ in options)
        self._takes_several = takes_several

    def choice(self, text: str) -> Choice:
        """Read an answer; reasoning in `<think>` marks is left out."""
        if len(text) <= _SHORT and not self._is_lettered:
            found = _of_letters(text, self._labels, self._takes_several)
            if found is not None:
                return found
        answer = answer_of(text).text
        if answer is None:
            return Choice(None, "no_choice", "")
        return _Reader(_plain(answer), self._options, self._bare).choice(
            takes_several=self._takes_several
        )

    @cached_property
    def _options(self) -> dict[str, str]:
        return {label: _plain(text) for label, text in self._written}

    @cached_property
    def _bare(self) -> dict[str, str]:
        return {label: _bare(text) for label, text in self._options.items()}

    @cached_property
    def _is_lettered(self) -> bool:
        """Whether an option's text is nothing but letters that are labels, too."""
        if all(_HOLDS_MORE.search(text) for _, text in self._written):
            return False
        labels = set(self._labels)
        return any(text and set(text.upper()) <= labels for text in self._bare.values())


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

    def __init__(self, text: str, options: Mapping[str, str], bare: Mapping[str, str]) -> None:
        self.text = text.strip()
        self.options = options
        self.bare = bare

    def choice(self, *, takes_several: bool) -> Choice:
        whole = self._whole(takes_several=takes_several)
        if whole is not None:
            return whole
        strong, weak = self._strong(takes_several=takes_several), self._weak()
        if strong:  # what is said to be right on the way there counts no longer
            weak = [one for one in weak if one.start > strong[-1].start]
        if strong or weak:
            return self._settled([*strong, *weak], takes_several=takes_several)
        found = self._leading(takes_several=takes_several) or self._last_line(takes_several)
        return found or Choice(None, "no_choice", "")

    # --- an answer that consists of its choice ----------------------------------------------

    def _whole(self, *, takes_several: bool) -> Choice | None:
        """The whole answer is letters, or one option's text."""
        same = self._same_text(self.text)
        found = ONLY_LETTERS.fullmatch(self.text)
        letters = _letters(found["letters"]) if found else ""
        if found is None or self._is_word(found["letters"]):
            return None if same is None else Choice(same, None, self.text)
        if same is not None and same != letters:
            return Choice(None, "several_readings", self.text)
        is_hedged = bool(re.search(r"或|\bor\b", self.text, re.IGNORECASE))
        return self._checked(letters, self.text, is_hedged, takes_several=takes_several)

    def _leading(self, *, takes_several: bool) -> Choice | None:
        """The answer begins with a label and a delimiter, or every line of it is an option."""
        labelled = [found["letter"] for found in LABEL_LINE.finditer(self.text)]
        if len(set(labelled)) > 1:
            return self._listed() if takes_several else None
        found = LEADING.match(self.text)
        if found is None or found["letter"] not in self.options:
            return self._with_text()
        rest = self.text[found.end() :]
        if SAID_WRONG.match(rest) or self._names_others(found["letter"], rest):
            return None
        if self._differs(found["letter"], rest):
            return Choice(None, "letter_and_text_differ", self.text[:80])
        is_own = self._begins_with_own(found["letter"], rest)
        is_species = SPECIES.match(self.text[found.end("letter") :]) is not None
        if found["delimiter"] == "选项" and not is_own and re.match(r"\w", rest):
            return None
        if found["delimiter"] in (",", ".") and not is_own and (is_species or not rest.strip()):
            return None
        return Choice(found["letter"], None, self.text[: found.end()].strip())

    def _with_text(self) -> Choice | None:
        """A label, a blank and the whole text of its option, at the start."""
        found = re.match(r"(?P<letter>[A-P])\s+", self.text)
        if found is None or found["letter"] not in self.options:
            return None
        if not self._begins_with_own(found["letter"], self.text[found.end() :]):
            return None
        return Choice(found["letter"], None, self.text[:80])

    def _listed(self) -> Choice | None:
        """Lines of nothing but options: those that were chosen."""
        letters = []
        for line in self.text.splitlines():
            found = LABEL_LINE.match(line)
            if not line.strip():
                continue
            if found is None or found["letter"] not in self.options:
                return None
            if _bare(line[found.end() :]) != self.bare[found["letter"]]:
                return None
            letters.append(found["letter"])
        return Choice("".join(sorted(set(letters))), None, self.text[:80])

    def _last_line(self, takes_several: bool) -> Choice | None:
        """The last line is nothing but letters, with a mark that they are no abbreviation."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        if len(lines) < 2:
            return None
        found = ONLY_LETTERS.fullmatch(lines[-1].strip())
        if found is None:
            same = self._same_text(lines[-1])
            return None if same is None else Choice(same, None, lines[-1].strip())
        letters = _letters(found["letters"])
        if not set(letters) <= set(self.options) or len(set(letters)) < len(letters):
            return None
        return self._checked(letters, lines[-1].strip(), False, takes_several=takes_several)

    # --- an answer that states its choice ---------------------------------------------------

    def _strong(self, *, takes_several: bool) -> list[_Statement]:
        """What is boxed, bracketed, or introduced as the answer, in order."""
        found = [
            _Statement(
                _letters(one["letters"]), one.start(), one[0],
                is_final="boxed" in one[0] or self._is_last(one.end()),
            )
            for one in BRACKETED.finditer(self.text)
            if set(_letters(one["letters"])) <= set(self.options)
        ]  # fmt: skip
        found += self._introduced(takes_several=takes_several)
        found += self._introduced_texts()
        return sorted(found, key=lambda one: one.start)

    def _introduced(self, *, takes_several: bool) -> Iterator[_Statement]:
        for one in STATED.finditer(self.text):
            letters = _letters(one["letters"])
            after = self.text[one.end() :]
            if self._is_negated(one.start()) or SAID_WRONG.match(after):
                continue
            if not self._is_bounded(letters, after) or self._is_word(one["letters"]):
                continue
            listed = self._listed_from(letters, after)
            if len(listed) > 1 and (not takes_several or len(listed) == len(self.options)):
                continue
            line = self.text[self.text.rfind("\n", 0, one.start()) + 1 : one.start()]
            is_headed = not re.search(r"\w", line) and bool(HEADED.match(one[0]))
            yield _Statement(
                listed or letters, one.start(), one[0].strip(),
                is_final=is_headed or self._is_last(one.end())
                or bool(FINAL.search(self._before(one.start()) + one[0])),
                is_hedged=bool(one["hedge"]),
                differs=len(letters) == 1 and self._differs(letters, after),
            )  # fmt: skip

    def _introduced_texts(self) -> Iterator[_Statement]:
        """An option's text word for word after words that introduce an answer."""
        for one in INTRODUCED.finditer(self.text):
            if self._is_negated(one.start()):
                continue
            line = re.split(r"[\n。;!]", self.text[one.end() :], maxsplit=1)[0]
            rest = re.split(r"\.(?:\s|$)|,(?=因|由|\s*because)", line, maxsplit=1)[0]
            for said in (line, rest):
                same = self._same_text(said)
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
            if self._is_negated(one.start()) or not set(letters) <= set(self.options):
                continue
            is_final = bool(THE_ANSWER.search(one[0])) and self._is_last(one.end())
            found.append(_Statement(letters, one.start(), one[0].strip(), is_final=is_final))
        return found

    def _settled(self, statements: Sequence[_Statement], *, takes_several: bool) -> Choice:
        """What the statements come to: all say the same, or the last one is the conclusion."""
        last = statements[-1]
        if any(one.differs for one in statements):
            return Choice(None, "letter_and_text_differ", last.words)
        sides = {one.letters for one in statements}
        if len(sides) > 1 and not last.is_final:
            return Choice(None, "several_readings", " / ".join(one.words for one in statements))
        return self._checked(last.letters, last.words, last.is_hedged, takes_several=takes_several)

    def _checked(self, letters: str, words: str, is_hedged: bool, *, takes_several: bool) -> Choice:
        chosen = "".join(sorted(set(letters)))
        if not set(chosen) <= set(self.options):
            return Choice(None, "not_an_option", words)
        if is_hedged or (len(chosen) > 1 and not takes_several):
            return Choice(None, "several_chosen", words)
        return Choice(chosen, None, words)

    # --- what stands around the letters -----------------------------------------------------

    def _is_bounded(self, letters: str, after: str) -> bool:
        """Whether letters end here: `B.` and `B 因为` do, `B超` and `A级` do not."""
        if MAY_FOLLOW.match(after):
            return not SPECIES.match(after) or self._begins_with_own(letters[-1], after[1:])
        return self._begins_with_own(letters[-1], after)

    def _listed_from(self, letter: str, after: str) -> str:
        """The labels of a list of options with their texts that begins with this one, or ''."""
        found, rest = "", after
        while len(letter) == 1 and letter in self.options:
            head = re.match(
                rf"[.、:)\s*_]*{re.escape(self.options[letter])}(?!\w)[\s,;。.*_]*", rest
            )
            if head is None:
                break
            found += letter
            rest = rest[head.end() :]
            following = re.match(r"[(\[]?(?P<letter>[A-P])[)\]]?\s*(?=[.、:)])", rest)
            if following is None:
                break
            letter, rest = following["letter"], rest[following.end() :]
        return "".join(sorted(set(found)))

    def _names_others(self, letter: str, rest: str) -> bool:
        """Whether other labels follow the first one as in a list of all options."""
        if len(self._listed_from(letter, rest)) > 1:
            return True
        others = re.findall(r"(?<![A-Za-z0-9])([A-P])\s*[.、:)]", rest)
        return not self._begins_with_own(letter, rest) and bool(set(others) & set(self.options))

    def _is_word(self, written: str) -> bool:
        """Whether capital letters in a row are an abbreviation such as ACEI, and no labels."""
        is_run = len(written) > 1 and written.isascii() and written.isalpha()
        return is_run and (
            not set(written) <= set(self.options) or len(set(written)) < len(written)
        )

    def _begins_with_own(self, letter: str, rest: str) -> bool:
        own = self.bare.get(letter, "")
        return bool(own) and _bare(rest).startswith(own)

    def _differs(self, letter: str, rest: str) -> bool:
        """Whether the text after a label is that of another option."""
        said = _bare(re.split(r"[\n。]", rest.lstrip("".join(_AROUND)), maxsplit=1)[0])
        if not said or letter not in self.bare or said.startswith(self.bare[letter]):
            return False
        return any(one and said == one for label, one in self.bare.items() if label != letter)

    def _same_text(self, text: str) -> str | None:
        """Label of the only option whose text this is, word for word."""
        said = _bare(text)
        same = [label for label, one in self.bare.items() if one and one == said]
        return same[0] if len(same) == 1 else None

    def _is_negated(self, start: int) -> bool:
        """Whether a "not" stands right before."""
        return bool(NEGATED.search(self.text, max(0, start - _NEGATION), start))

    def _is_last(self, end: int) -> bool:
        """Whether nothing follows but marks."""
        return not re.search(r"\w", self.text[end:])

    def _before(self, start: int) -> str:
        """The sentence so far."""
        return re.split(r"[。;\n!?]|\.\s", self.text[:start])[-1]


#: No negation is longer, with the blanks around it.
_NEGATION = 64
_AROUND = " \t\"'“”‘’「」『』<>《》【】[](){}*_`$.。,、:;!?"


def _plain(text: str) -> str:
    """Full-width and circled letters as plain ones; nothing else is changed that matters here."""
    return unicodedata.normalize("NFKC", text)


def _bare(text: str) -> str:
    """A text without the blanks and marks around it and without blanks in it."""
    return re.sub(r"\s+", "", text.strip(_AROUND)).casefold()


def _letters(found: str) -> str:
    """The letters of a list such as `A、C 和 D`."""
    return "".join(re.findall(r"[A-Pa-p]", re.sub(r"\band\b|\bor\b", "", found))).upper()

"""The options of a question as an answer may name them: by their labels, or word for word."""

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property

_AROUND = " \t\"'“”‘’「」『』<>《》【】[](){}*_`$.。,、:;!?"
#: A sign that stays what it is and is no label of an option.
_HOLDS_MORE = re.compile(r"[\u4e00-\u9fff0-9Q-Zq-z]")


def plain(text: str) -> str:
    """Full-width and circled letters as plain ones; nothing else is changed that matters here."""
    return unicodedata.normalize("NFKC", text)


def bare(text: str) -> str:
    """A text without the blanks and marks around it and without blanks in it."""
    return re.sub(r"\s+", "", text.strip(_AROUND)).casefold()


class Options:
    """The options of one question, read as far as answers need them.

    Args:
        written: label and text of each, as the model was shown them.
    """

    def __init__(self, written: Sequence[tuple[str, str]]) -> None:
        self.labels = "".join(label for label, _ in written)
        self._written = written
        self._known = frozenset(self.labels)

    @cached_property
    def _plain(self) -> dict[str, str]:
        return {label: plain(text) for label, text in self._written}

    @cached_property
    def _bare(self) -> dict[str, str]:
        return {label: bare(text) for label, text in self._plain.items()}

    @cached_property
    def are_lettered(self) -> bool:
        """Whether an option's text is nothing but letters that are labels, too."""
        if all(_HOLDS_MORE.search(text) for _, text in self._written):
            return False
        return any(text and self.has(text.upper()) for text in self._bare.values())

    def has(self, letters: str) -> bool:
        """Whether every letter is the label of an option."""
        return self._known.issuperset(letters)

    def is_abbreviation(self, written: str) -> bool:
        """Whether capital letters in a row are an abbreviation such as ACEI, and no labels."""
        is_run = len(written) > 1 and written.isascii() and written.isalpha()
        return is_run and (not self.has(written) or len(set(written)) < len(written))

    def label_of(self, text: str) -> str | None:
        """Label of the only option whose text this is, word for word."""
        said = bare(text)
        same = [label for label, one in self._bare.items() if one and one == said]
        return same[0] if len(same) == 1 else None

    def is_own_text(self, letter: str, text: str) -> bool:
        """Whether a text is that of the letter's option, word for word."""
        return bare(text) == self._bare[letter]

    def own_text_begins(self, letter: str, rest: str) -> bool:
        """Whether what follows a letter begins with the text of its option."""
        own = self._bare.get(letter, "")
        return bool(own) and bare(rest).startswith(own)

    def is_anothers_text(self, letter: str, rest: str) -> bool:
        """Whether what follows a letter, to the end of the sentence, is another option's text."""
        said = bare(re.split(r"[\n。]", rest.lstrip(_AROUND), maxsplit=1)[0])
        if not said or letter not in self._bare or said.startswith(self._bare[letter]):
            return False
        return any(one and said == one for label, one in self._bare.items() if label != letter)

    def listed_from(self, letter: str, after: str) -> str:
        """The labels of a list of options with their texts that begins with this one, or ''."""
        found, rest = "", after
        while len(letter) == 1 and letter in self._known:
            head = re.match(
                rf"[.、:)\s*_]*{re.escape(self._plain[letter])}(?!\w)[\s,;。.*_]*", rest
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

    def others_follow(self, letter: str, rest: str) -> bool:
        """Whether other labels follow a first one as in a list of all options."""
        if len(self.listed_from(letter, rest)) > 1:
            return True
        others = re.findall(r"(?<![A-Za-z0-9])([A-P])\s*[.、:)]", rest)
        return not self.own_text_begins(letter, rest) and not self._known.isdisjoint(others)

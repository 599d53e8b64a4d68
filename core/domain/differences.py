"""What two texts have in common, word by word."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["same", "removed", "added"]

#: A Chinese, Japanese or Korean character is a word of its own; so is every mark.
_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]+|\n|\s|.", re.S)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters that both texts have, or only one of them."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """Whole lines that both texts have, or that stand in each other's place.

    Its `same` and `removed` pieces make the old lines, `same` and `added` ones the new lines, to
    the character.
    """

    is_same: bool
    pieces: tuple[Piece, ...]


def passages(old: str, new: str) -> tuple[Passage, ...]:
    """Two texts side by side: whole lines first, words within the lines that changed."""
    found = []
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for tag, a, b, c, d in _opcodes(before, after):
        if tag == "equal":
            found.append(Passage(True, (Piece("same", "".join(before[a:b])),)))
        else:
            pieces = _word_pieces("".join(before[a:b]), "".join(after[c:d]))
            found.append(Passage(False, tuple(pieces)))
    return tuple(found)


def differences(old: str, new: str) -> tuple[Piece, ...]:
    """The pieces of two texts in order, neighbours of one kind as one."""
    found: list[Piece] = []
    for piece in (piece for passage in passages(old, new) for piece in passage.pieces):
        if found and found[-1].kind == piece.kind:
            found[-1] = Piece(piece.kind, found[-1].text + piece.text)
        else:
            found.append(piece)
    return tuple(found)


def _word_pieces(old: str, new: str) -> Iterable[Piece]:
    before, after = _WORD.findall(old), _WORD.findall(new)
    for tag, a, b, c, d in _opcodes(before, after):
        if tag == "equal":
            yield Piece("same", "".join(before[a:b]))
            continue
        if a < b:
            yield Piece("removed", "".join(before[a:b]))
        if c < d:
            yield Piece("added", "".join(after[c:d]))


def _opcodes(
    before: Sequence[str], after: Sequence[str]
) -> Sequence[tuple[str, int, int, int, int]]:
    return difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()

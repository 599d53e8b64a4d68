"""Overlap of a response with a reference: secondary metrics, never a verdict.

Rouge-L after Lin 2004, over characters, so that Chinese needs no word segmentation: the longest
common subsequence (rapidfuzz) over the lengths of response and reference. Identical texts give 1.
"""

import re
import unicodedata
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import LCSseq

_SPLIT = re.compile(r"[,，、;；\n]+")


@dataclass(frozen=True, slots=True)
class Overlap:
    """Precision, recall and their harmonic mean, 0 to 1 each."""

    precision: float
    recall: float
    f1: float


def rouge_l(response: str, reference: str) -> Overlap | None:
    """Rouge-L over characters, white space left out; None where either text is empty."""
    said, known = _characters(response), _characters(reference)
    if not said or not known:
        return None
    common = LCSseq.similarity(said, known)
    return _overlap(common, len(said), len(known))


def key_point_recall(response: str, points: Sequence[str], *, least: float = 0.8) -> float | None:
    """Share, 0 to 1, of key points whose characters stand in the response in order; None of none.

    Args:
        least: share of a point's characters that must be found, for it to count.
    """
    said = _characters(response)
    wanted = [point for point in map(_characters, points) if point]
    if not wanted:
        return None
    found = sum(LCSseq.similarity(said, point) >= least * len(point) for point in wanted)
    return found / len(wanted)


def micro_f1(pairs: Iterable[tuple[Iterable[Hashable], Iterable[Hashable]]]) -> Overlap | None:
    """Micro F1 of extraction over (found, expected) sets; None where nothing is in either.

    Hits are summed over all pairs before precision and recall are taken.
    """
    common = said = known = 0
    for found, expected in pairs:
        found, expected = set(found), set(expected)
        common += len(found & expected)
        said += len(found)
        known += len(expected)
    return _overlap(common, said, known) if said or known else None


def items_of(text: str) -> frozenset[str]:
    """The entries of an extraction that is written as a list, without case and blanks."""
    parts = (_characters(part) for part in _SPLIT.split(text))
    return frozenset(part for part in parts if part)


def _characters(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


def _overlap(common: int, said: int, known: int) -> Overlap:
    precision = common / said if said else 0.0
    recall = common / known if known else 0.0
    total = precision + recall
    return Overlap(precision, recall, 2 * precision * recall / total if total else 0.0)

"""Classification: tasks whose reference answers are labels, and macro F1 of the labels given."""

from collections.abc import Collection, Sequence

import numpy as np

from core.domain.estimation import (
    Estimate,
    Floats,
    Indices,
    interval_of,
    quotient,
    resampled_tables,
    undefined,
)
from core.domain.overlap import items_of

#: The most characters of a label, and the fewest questions of a task of labels.
_LONGEST, _FEWEST = 30, 4
#: What is given where no label, or more than one, can be read.
UNREAD = ""


def labels_of_task(references: Sequence[str]) -> frozenset[str]:
    """The labels that a task's reference answers consist of; none where it is no classification.

    It is one where every reference is a single short entry and stands, on average, for at least two
    questions.
    """
    entries = [items_of(one) for one in references]
    labels = frozenset(label for one in entries for label in one)
    is_task = (
        len(references) >= _FEWEST
        and all(len(one) == 1 for one in entries)
        and len(labels) * 2 <= len(references)
        and max(map(len, labels)) <= _LONGEST
    )
    return labels if is_task else frozenset()


def label_given(text: str, labels: Collection[str]) -> str:
    """The label that a response gives: it consists of it, or names no other; else `UNREAD`."""
    entries = items_of(text)
    if len(entries) == 1 and entries <= set(labels):
        return next(iter(entries))
    said, found = "\n".join(entries), []
    for label in sorted(labels, key=len, reverse=True):
        if label in said:
            found.append(label)
            said = said.replace(label, "\0")  # a label that is a part of it is not said by that
    return found[0] if len(found) == 1 else UNREAD


def macro_f1(pairs: Sequence[tuple[str, str]], clusters: Indices) -> Estimate:
    """Macro F1 of (given, expected) labels, its interval by resampling whole questions.

    The plain mean of 2·TP/(2·TP + FP + FN) over every label that either side uses; undefined where
    neither uses any.

    Args:
        pairs: one per response; given is `UNREAD` where none could be read.
        clusters: shape (pairs,), the question of each.
    """
    labels = sorted({label for pair in pairs for label in pair} - {UNREAD})
    if not labels:
        return undefined(0, "no_pairs")
    _, cluster = np.unique(clusters, return_inverse=True)
    tables = np.zeros((int(cluster.max()) + 1, len(labels), 2))
    place = {label: at for at, label in enumerate(labels)}
    for (given, expected), at in zip(pairs, cluster, strict=True):
        for label in (given, expected):
            if label != UNREAD:
                tables[at, place[label], 1] += 1
        tables[at, place[expected], 0] += 2 * (given == expected)
    value = float(_mean_f1(tables.sum(axis=0)))
    draws = _mean_f1(resampled_tables(tables, seed=0))
    low, high = interval_of(draws, clusters=len(tables))
    return Estimate(value, len(pairs), low, high, None, "bootstrap")


def _mean_f1(tables: Floats) -> Floats:
    """Mean over labels of twice the hits over all uses, (…, labels, 2); unused ones left out."""
    found: Floats = np.nanmean(quotient(tables[..., 0], tables[..., 1]), axis=-1)
    return found

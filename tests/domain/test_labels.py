"""Macro F1 of classification tasks, and which label a response gives."""

import numpy as np
import pytest

from core.domain.labels import UNREAD, label_given, labels_of_task, macro_f1


@pytest.mark.parametrize(
    ("references", "labels"),
    [
        (["阳性", "阴性", "阳性", " 阴性 "], {"阳性", "阴性"}),
        (["Benign", "benign", "malignant", "Malignant"], {"benign", "malignant"}),
        (["阳性", "阴性", "阳性"], set()),  # too few
        (["阳性", "阴性", "不详", "阳性"], set()),  # three labels of four questions
        (["阳性", "阴性，发热", "阳性", "阴性"], set()),  # a list
        (["阳性", "", "阳性", "阴性"], set()),
        (["胸" * 31] * 4, set()),  # a text
    ],
)
def test_a_task_of_labels_has_few_short_ones(references, labels):
    assert labels_of_task(references) == labels


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("阳性", "阳性"),
        ("阳性。", "阳性"),
        ("判断为 阳 性，因为有发热", "阳性"),
        ("弱阳性", "弱阳性"),  # and not 阳性, which is a part of it
        ("不是阳性，是阴性", UNREAD),
        ("看不出来", UNREAD),
        ("", UNREAD),
    ],
)
def test_a_response_gives_the_only_label_that_it_names(text, label):
    assert label_given(text, {"阳性", "阴性", "弱阳性"}) == label


def test_macro_f1_equals_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    pairs = [("abc"[n % 3], "abc"[(n * n) % 3]) for n in range(40)] + [("d", "a")]

    given, expected = zip(*pairs, strict=True)

    found = macro_f1(pairs, np.arange(len(pairs)))
    assert found.value == pytest.approx(
        metrics.f1_score(expected, given, average="macro", zero_division=0)
    )
    assert found.low < found.value < found.high


def test_an_unread_response_misses_its_label_and_is_no_label():
    # a: 2·1/(1 + 2), b: 2·1/(1 + 1); nothing else is averaged
    pairs = [("a", "a"), (UNREAD, "a"), ("b", "b")]

    assert macro_f1(pairs, np.arange(3)).value == pytest.approx((2 / 3 + 1) / 2)


def test_without_pairs_macro_f1_is_undefined():
    assert macro_f1([], np.zeros(0)).undefined_because == "no_pairs"

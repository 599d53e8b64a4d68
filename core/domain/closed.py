"""Closed questions: options of which one or several are right, and what an answer is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from core.domain.questions import Language

#: Labels in the order in which options are shown.
LABELS = "ABCDEFGHIJKLMNOP"

#: What a model is told after a closed question, so that its choice can be read.
_ASKED: dict[tuple[Language, bool], str] = {
    ("zh", False): "本题只有一个正确选项。请在最后一行写“答案：”和该选项的字母。",
    ("zh", True): "本题有一个或多个正确选项。请在最后一行写“答案：”和全部正确选项的字母。",
    ("en", False): 'Exactly one option is right. End with a line "Answer: " and its letter.',
    ("en", True): 'One or more options are right. End with a line "Answer: " and their letters.',
}


@dataclass(frozen=True, slots=True)
class Closed:
    """The options of a question, and which are right.

    Attributes:
        options: label and text of each, in the order of the file; labels are capital letters.
        right: labels of the right options in order, such as `AC`; None where the file gives none.
        takes_several: whether an answer may name more than one.
    """

    options: tuple[tuple[str, str], ...]
    right: str | None
    takes_several: bool

    @property
    def labels(self) -> str:
        """The labels in the order of the file."""
        return "".join(label for label, _ in self.options)


@dataclass(frozen=True, slots=True)
class Strata:
    """What an exercise is reported by; '' where its file does not say.

    Attributes:
        level: difficulty, 1 (easiest) to 5; None where the file gives none.
        level_by: `file`, or `people` where it comes from the share of people who answered right.
        stem: exercises that share a case have one name of it; '' for an exercise by itself.
    """

    stage: str = ""
    department: str = ""
    question_type: str = ""
    level: int | None = None
    level_by: Literal["", "file", "people"] = ""
    stem: str = ""


NO_STRATA = Strata()


def with_options(question: str, options: Sequence[tuple[str, str]]) -> str:
    """A question's text with its options below, one a line."""
    lines = "\n".join(f"{label}. {text}" for label, text in options)
    return f"{question}\n\n{lines}"


def in_order(question_text: str, closed: Closed, order: str) -> str:
    """A question's text with its options in another order, under new labels.

    A text that does not end with the options as `with_options` writes them stays as it is; see
    `can_be_shuffled`.
    """
    question = question_text.removesuffix(with_options("", closed.options))
    return with_options(question, presented(closed, order))


def can_be_shuffled(question_text: str, closed: Closed) -> bool:
    """Whether the options stand at the end of a question's text, where they can change places."""
    return question_text.endswith(with_options("", closed.options))


def instruction(language: Language, *, takes_several: bool) -> str:
    """What a model is told after a closed question."""
    return _ASKED[language, takes_several]


def shuffled(closed: Closed, *, seed: int, key: str, sample: int) -> str:
    """An order of the options for one sample: the file's label at each place, such as `CABD`.

    The same seed, question and sample give the same order.
    """
    chance = np.random.default_rng([abs(seed), sample, *key.encode()])
    labels = closed.labels
    return "".join(labels[at] for at in chance.permutation(len(labels)))


def presented(closed: Closed, order: str) -> tuple[tuple[str, str], ...]:
    """The options as they are shown in an order: labelled A, B, C … from the top."""
    texts = dict(closed.options)
    return tuple(zip(LABELS, (texts[label] for label in order), strict=False))


def in_file_labels(chosen: str, order: str) -> str:
    """Labels that were chosen of options in an order, as the labels of the file."""
    return "".join(sorted(order[LABELS.index(label)] for label in chosen))


def exact_match(chosen: str, right: str) -> bool:
    """Whether exactly the right options were chosen."""
    return set(chosen) == set(right)


def partial_credit(chosen: str, right: str) -> Fraction:
    """The share of the right options that were chosen, and nothing once a wrong one was.

    This is the rule by which exams mark questions with several right options: fewer than all earn
    a part, any wrong one earns nothing. Where one option is right it equals the exact match.
    """
    if not right or set(chosen) - set(right):
        return Fraction(0)
    return Fraction(len(set(chosen)), len(set(right)))


def level_of_share(share: float) -> int:
    """The difficulty bin, 1 to 5, of an exercise that this share answers right.

    Bins of a fifth each: 1 from .8 on, 2 from .6, 3 from .4, 4 from .2, 5 below.
    """
    bounds = (0.8, 0.6, 0.4, 0.2)
    return next((level for level, bound in enumerate(bounds, 1) if share >= bound), 5)

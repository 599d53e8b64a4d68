"""A model's raw output, parted into its reasoning and its answer."""

from dataclasses import dataclass

_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model thought, and what it answered.

    Attributes:
        text: None where the output ends before the reasoning does, or holds no answer.
    """

    reasoning: str
    text: str | None


def answer_of(output: str) -> Answer:
    """Part an output at the end of its reasoning.

    Many templates open the reasoning in the prompt, so that the output holds the closing mark
    only. What follows the mark is the answer, less the white space around it; an output without
    marks is all answer, to the character.
    """
    head, mark, rest = output.partition(_CLOSE)
    if mark:
        return Answer(head.replace(_OPEN, "", 1).strip(), rest.strip() or None)
    if output.lstrip().startswith(_OPEN):
        return Answer(output.replace(_OPEN, "", 1).strip(), None)
    return Answer("", output if output.strip() else None)

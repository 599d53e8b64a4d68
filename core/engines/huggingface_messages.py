"""What is said between an engine and the process that holds its model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Order:
    """Which model to load, how it samples, and where.

    Attributes:
        gpus: indices; none for the CPU, several for a model that is spread over them.
    """

    model: str
    parameters: Mapping[str, Any]
    gpus: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model is there; `revision` identifies its weights."""

    revision: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The model can't be served: an error code with its values."""

    code: str
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person should know, though the work goes on: a code with its values."""

    code: str
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """One answer, with everything that the model wrote."""

    text: str
    finish_reason: str
    prompt_tokens: int
    reply_tokens: int

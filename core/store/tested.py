"""Tested: the agreement of each prompt that was put to use, as it was read once."""

from dataclasses import dataclass
from typing import Literal, get_args

from core.store.database import Store

TestedPart = Literal["dev", "held_out"]
PARTS: tuple[TestedPart, ...] = get_args(TestedPart)


@dataclass(frozen=True, slots=True)
class Reading:
    """Agreement of a judge with physicians on one part; None where it is undefined."""

    part: TestedPart
    n: int
    agreement: float | None
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None
    false_usable: int


@dataclass(frozen=True, slots=True)
class Activation:
    """A prompt that was put to use."""

    id: int
    version: int
    reason: str
    created_by: str
    created_at: str


def current_activation(
    store: Store, study_id: int, judge_id: int, category: str, language: str
) -> int | None:
    """Id of the activation by which a judge scores a category and language now."""
    found: int | None = store.value(
        "SELECT id FROM prompt_activation WHERE study_id = ? AND judge_id = ? AND category = ?"
        " AND language = ? ORDER BY id DESC LIMIT 1",
        (study_id, judge_id, category, language),
    )
    return found


def activations(
    store: Store, study_id: int, judge_id: int, category: str, language: str
) -> list[Activation]:
    """Every activation of a prompt for a judge, oldest first."""
    sql = """
        SELECT activation.id, version, activation.reason, activation.created_by,
               activation.created_at
        FROM prompt_activation AS activation
        JOIN judge_prompt ON judge_prompt.id = judge_prompt_id
        WHERE study_id = ? AND judge_id = ? AND activation.category = ?
          AND activation.language = ?
        ORDER BY activation.id
    """
    return store.read(Activation, sql, (study_id, judge_id, category, language))


def readings(store: Store, activation_id: int) -> dict[str, Reading]:
    """What was read for an activation, by part."""
    sql = """
        SELECT part, n, agreement, kappa, kappa_low, kappa_high, false_usable
        FROM held_out_reading WHERE prompt_activation_id = ?
    """
    return {one.part: one for one in store.read(Reading, sql, (activation_id,))}


def add_reading(store: Store, activation_id: int, read: Reading, *, by: str) -> None:
    """Store what was read, once."""
    store.add(
        "INSERT INTO held_out_reading (prompt_activation_id, part, n, agreement, kappa, kappa_low,"
        " kappa_high, false_usable, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            activation_id, read.part, read.n, read.agreement, read.kappa, read.kappa_low,
            read.kappa_high, read.false_usable, by,
        ),
    )  # fmt: skip

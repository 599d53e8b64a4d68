"""Judges: names for configurations, the prompts that serve them, and the raters these make."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.domain.prompts import prompt_hash
from core.domain.questions import EVERY_CATEGORY
from core.domain.scales import Scale
from core.store.database import Store

#: Category and language of the explicit empty prompt.
ANY = EVERY_CATEGORY


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge with its configuration."""

    id: int
    name: str
    configuration_id: int
    engine: str
    model: str
    parameters: dict[str, Any]
    scale: Scale


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """One version of a judge prompt."""

    id: int
    category: str
    language: str
    version: int
    text: str


_COLUMNS = """
    SELECT judge.id, judge.name, configuration_id, engine, model, parameters,
           scale.name, minimum, maximum, usable_from
    FROM judge JOIN configuration ON configuration.id = configuration_id
    JOIN scale ON scale.name = judge.scale
"""


def _judge(
    id_: int,
    name: str,
    configuration: int,
    engine: str,
    model: str,
    parameters: str,
    *scale: Any,
) -> Judge:
    return Judge(id_, name, configuration, engine, model, json.loads(parameters), Scale(*scale))


def judge_named(store: Store, name: str) -> Judge | None:
    """The judge of that name."""
    found = store.row(f"{_COLUMNS} WHERE judge.name = ?", (name,))
    return None if found is None else _judge(*found)


def judge_by_id(store: Store, judge_id: int) -> Judge:
    """The judge with that id, which must exist."""
    found = store.row(f"{_COLUMNS} WHERE judge.id = ?", (judge_id,))
    assert found is not None
    return _judge(*found)


def twins(store: Store, judge: Judge) -> list[str]:
    """Names of the other judges with the same configuration: they are one rater, with it."""
    sql = "SELECT name FROM judge WHERE configuration_id = ? AND id <> ? ORDER BY id"
    return [name for (name,) in store.rows(sql, (judge.configuration_id, judge.id))]


def judges_of_study(store: Store, study_id: int) -> list[tuple[Judge, int]]:
    """The judges of a study with their number of rounds, oldest first."""
    sql = f"""SELECT judge.*, rounds FROM ({_COLUMNS}) AS judge
        JOIN active_plan ON active_plan.judge_id = judge.id
        WHERE active_plan.study_id = ? ORDER BY judge.id"""
    return [(_judge(*row[:-1]), row[-1]) for row in map(tuple, store.rows(sql, (study_id,)))]


def has_scored(store: Store, study_id: int, judge_id: int) -> bool:
    """Whether a judge has given any response of a study a score."""
    sql = """
        SELECT EXISTS (
          SELECT 1 FROM judge JOIN rater USING (configuration_id)
          JOIN assessment ON assessment.rater_id = rater.id
          JOIN response ON response.id = assessment.response_id
          JOIN question ON question.id = response.question_id
          JOIN study_dataset USING (dataset_id)
          WHERE judge.id = ? AND study_id = ? AND purpose = 'study' AND value IS NOT NULL)
    """
    return bool(store.value(sql, (judge_id, study_id)))


def ensure_configuration(
    store: Store, engine: str, model: str, parameters: Mapping[str, Any]
) -> int:
    """Id of the configuration with exactly these parameters."""
    written = json.dumps(parameters, sort_keys=True)
    store.change(
        "INSERT OR IGNORE INTO configuration (engine, model, parameters) VALUES (?, ?, ?)",
        (engine, model, written),
    )
    found: int = store.value(
        "SELECT id FROM configuration WHERE engine = ? AND model = ? AND parameters = ?",
        (engine, model, written),
    )
    return found


def add_judge(store: Store, name: str, configuration_id: int, scale: str, *, by: str) -> int:
    """Insert a judge."""
    return store.add(
        "INSERT INTO judge (name, configuration_id, scale, created_by) VALUES (?, ?, ?, ?)",
        (name, configuration_id, scale, by),
    )


def prompts(store: Store) -> list[JudgePrompt]:
    """The newest version of every judge prompt."""
    sql = """
        SELECT id, category, language, version, text FROM judge_prompt
        WHERE category <> ? AND version = (
          SELECT max(version) FROM judge_prompt AS other
          WHERE other.category = judge_prompt.category
            AND other.language = judge_prompt.language)
        ORDER BY category, language
    """
    return store.read(JudgePrompt, sql, (ANY,))


def prompt_by_id(store: Store, prompt_id: int) -> JudgePrompt:
    """The prompt version with that id, which must exist."""
    sql = "SELECT id, category, language, version, text FROM judge_prompt WHERE id = ?"
    found = store.read_one(JudgePrompt, sql, (prompt_id,))
    assert found is not None
    return found


def ensure_prompt(
    store: Store, category: str, language: str, text: str, *, reason: str, by: str
) -> int:
    """Id of the prompt version with this text; a new version if there is none yet."""
    content_hash = prompt_hash(text)
    identity = "category = ? AND language = ? AND content_hash = ?"
    sql = f"SELECT id FROM judge_prompt WHERE {identity}"
    found: int | None = store.value(sql, (category, language, content_hash))
    if found is not None:
        return found
    return store.add(
        "INSERT INTO judge_prompt"
        " (category, language, version, text, content_hash, reason, created_by) VALUES (?, ?,"
        " (SELECT coalesce(max(version), 0) + 1 FROM judge_prompt"
        "  WHERE category = ? AND language = ?), ?, ?, ?, ?)",
        (category, language, category, language, text, content_hash, reason, by),
    )


def activate_prompt(
    store: Store,
    study_id: int,
    judge: Judge,
    prompt: JudgePrompt,
    *,
    reason: str,
    by: str,
) -> None:
    """Let a prompt serve a judge in a study, and make sure of the rater that the two make."""
    ensure_rater(store, judge.configuration_id, prompt.id)
    store.add(
        "INSERT INTO prompt_activation"
        " (study_id, judge_id, category, language, judge_prompt_id, reason, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (study_id, judge.id, prompt.category, prompt.language, prompt.id, reason, by),
    )


def active_prompts(store: Store, study_id: int, judge_id: int) -> list[JudgePrompt]:
    """The prompts that serve a judge in a study."""
    sql = """
        SELECT judge_prompt.id AS id, judge_prompt.category AS category,
               judge_prompt.language AS language, version, text
        FROM active_rater JOIN judge_prompt ON judge_prompt.id = judge_prompt_id
        WHERE study_id = ? AND judge_id = ?
    """
    return store.read(JudgePrompt, sql, (study_id, judge_id))


def active_raters(store: Store, study_id: int, judge_id: int) -> list[int]:
    """Ids of the raters by which a judge scores in a study."""
    sql = "SELECT DISTINCT rater_id FROM active_rater WHERE study_id = ? AND judge_id = ?"
    return [row[0] for row in store.rows(sql, (study_id, judge_id))]


def ensure_rater(store: Store, configuration_id: int, prompt_id: int) -> int:
    """Id of the rater that a configuration is with a prompt."""
    store.change(
        "INSERT OR IGNORE INTO rater (configuration_id, judge_prompt_id) VALUES (?, ?)",
        (configuration_id, prompt_id),
    )
    found: int = store.value(
        "SELECT id FROM rater WHERE configuration_id = ? AND judge_prompt_id = ?",
        (configuration_id, prompt_id),
    )
    return found


def rater_of(store: Store, engine: str, model: str, parameters: Mapping[str, Any]) -> int | None:
    """Id of the rater that a configuration is with the empty prompt; None where there is none."""
    sql = """
        SELECT rater.id FROM rater JOIN configuration ON configuration.id = configuration_id
        JOIN judge_prompt ON judge_prompt.id = judge_prompt_id AND text = ''
        WHERE engine = ? AND model = ? AND parameters = ?
    """
    found: int | None = store.value(sql, (engine, model, json.dumps(parameters, sort_keys=True)))
    return found


def ensure_person_rater(store: Store, person_id: int) -> int:
    """Id of the rater that a person is."""
    store.change("INSERT OR IGNORE INTO rater (person_id) VALUES (?)", (person_id,))
    found: int = store.value("SELECT id FROM rater WHERE person_id = ?", (person_id,))
    return found


def plan_rounds(store: Store, study_id: int, judge_id: int) -> int | None:
    """Number of rounds that a judge scores in a study; None if it is not in it."""
    found: int | None = store.value(
        "SELECT rounds FROM active_plan WHERE study_id = ? AND judge_id = ?",
        (study_id, judge_id),
    )
    return found


def add_plan(store: Store, study_id: int, judge_id: int, rounds: int, *, by: str) -> None:
    """Let a judge score in a study from now on with so many rounds."""
    store.add(
        "INSERT INTO judging_plan (study_id, judge_id, rounds, created_by) VALUES (?, ?, ?, ?)",
        (study_id, judge_id, rounds, by),
    )

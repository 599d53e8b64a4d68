"""Exercises: questions written many at a time, with what they are reported by and their options."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain.closed import Closed, Strata
from core.domain.criteria import Criteria, requirement_hash
from core.domain.questions import Difficulty, Language, QuestionKey
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A question that a dataset lacks."""

    key: QuestionKey
    language: Language
    position: int
    record: str
    category2: str
    scene: str
    difficulty: Difficulty
    strata: Strata
    criteria: Criteria
    closed: Closed | None


def add_questions(
    store: Store, dataset_id: int, studies: Sequence[int], found: Sequence[NewQuestion],
    *, reason: str, by: str,
) -> list[int]:  # fmt: skip
    """Insert questions with their records, criteria and activations; the questions' ids."""
    ids = _add_questions(store, dataset_id, found)
    _add_records(store, ids, found, by=by)
    criteria_ids = _add_criteria(store, ids, found, reason=reason, by=by)
    _add_requirements(store, criteria_ids, found)
    store.add_many(
        _CLOSED,
        [
            _closed_row(criteria_id, one.closed)
            for criteria_id, one in zip(criteria_ids, found, strict=True)
            if one.closed is not None
        ],
    )
    store.add_many(
        "INSERT INTO criteria_activation (study_id, question_id, criteria_id, reason, created_by)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (study_id, id_, criteria_id, reason, by)
            for study_id in studies
            for id_, criteria_id in zip(ids, criteria_ids, strict=True)
        ],
    )
    return ids


def _add_questions(store: Store, dataset_id: int, found: Sequence[NewQuestion]) -> list[int]:
    conversations = _ensure_conversations(store, dataset_id, found)
    first = _next_id(store, "question")
    ids = list(range(first, first + len(found)))
    store.add_many(
        "INSERT INTO question (id, dataset_id, conversation_id, turn, key, category, language,"
        " position, kind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                id_, dataset_id, conversations[one.key.category, one.key.group], one.key.turn,
                str(one.key), one.key.category, one.language, one.position,
                "open" if one.closed is None else "closed",
            )
            for id_, one in zip(ids, found, strict=True)
        ],
    )  # fmt: skip
    return ids


def _add_criteria(
    store: Store, ids: Sequence[int], found: Sequence[NewQuestion], *, reason: str, by: str
) -> list[int]:
    """The first versions of the criteria of some questions; their ids."""
    first = _next_id(store, "criteria")
    criteria_ids = list(range(first, first + len(found)))
    store.add_many(
        "INSERT INTO criteria (id, question_id, version, question_text, reference_answer,"
        " checklist, given_turns, content_hash, reason, created_by)"
        " VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                criteria_id, id_, one.criteria.question_text, one.criteria.reference_answer,
                one.criteria.checklist, one.criteria.given_turns, one.criteria.content_hash,
                reason, by,
            )
            for criteria_id, id_, one in zip(criteria_ids, ids, found, strict=True)
        ],
    )  # fmt: skip
    return criteria_ids


def add_strata(store: Store, record_id: int, strata: Strata) -> None:
    """Insert what a record says that its question is reported by."""
    store.add(_STRATA, _strata_row(record_id, strata))


def add_closed(store: Store, criteria_id: int, closed: Closed) -> None:
    """Insert the options of a version of a closed question, unless they are there."""
    store.change(_CLOSED, _closed_row(criteria_id, closed))


def closed_of(store: Store, criteria_id: int) -> Closed | None:
    """The options of a version of a question; None where it is an open one."""
    found = store.row(
        "SELECT options, right_labels, takes_several FROM closed_question WHERE criteria_id = ?",
        (criteria_id,),
    )
    if found is None:
        return None
    return Closed(tuple(json.loads(found[0]).items()), found[1], bool(found[2]))


def kinds(store: Store, dataset_id: int) -> Mapping[str, str]:
    """Whether each question of a dataset is open or closed, by key."""
    sql = "SELECT key, kind FROM question WHERE dataset_id = ?"
    return dict(map(tuple, store.rows(sql, (dataset_id,))))


_STRATA = (
    "INSERT INTO exercise (record_id, stage, department, question_type, level, level_by, stem)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


_CLOSED = (
    "INSERT OR IGNORE INTO closed_question (criteria_id, options, right_labels, takes_several)"
    " VALUES (?, ?, ?, ?)"
)


def _closed_row(criteria_id: int, closed: Closed) -> tuple[object, ...]:
    options = json.dumps(dict(closed.options), ensure_ascii=False)
    return criteria_id, options, closed.right, int(closed.takes_several)


def _strata_row(record_id: int, strata: Strata) -> tuple[object, ...]:
    return (
        record_id, strata.stage, strata.department, strata.question_type, strata.level,
        strata.level_by, strata.stem,
    )  # fmt: skip


def _ensure_conversations(
    store: Store, dataset_id: int, found: Sequence[NewQuestion]
) -> dict[tuple[str, str], int]:
    wanted = dict.fromkeys((one.key.category, one.key.group) for one in found)
    store.add_many(
        "INSERT OR IGNORE INTO conversation (dataset_id, category, group_code) VALUES (?, ?, ?)",
        [(dataset_id, *pair) for pair in wanted],
    )
    rows = store.rows(
        "SELECT conversation.id, category, group_code FROM json_each(?) AS pair"
        " CROSS JOIN conversation ON dataset_id = ? AND category = pair.value ->> 0"
        " AND group_code = pair.value ->> 1",
        (json.dumps(list(wanted)), dataset_id),
    )
    return {(category, group): id_ for id_, category, group in rows}


def _add_records(
    store: Store, ids: Sequence[int], found: Sequence[NewQuestion], *, by: str
) -> None:
    first = _next_id(store, "question_record")
    store.add_many(
        "INSERT INTO question_record (id, question_id, record, category2, scene, difficulty,"
        " created_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (record_id, id_, one.record, one.category2, one.scene, one.difficulty, by)
            for record_id, (id_, one) in enumerate(zip(ids, found, strict=True), first)
        ],
    )
    store.add_many(
        _STRATA,
        [
            _strata_row(record_id, one.strata)
            for record_id, one in enumerate(found, first)
            if one.strata != Strata()
        ],
    )


def _add_requirements(
    store: Store, criteria_ids: Sequence[int], found: Sequence[NewQuestion]
) -> None:
    rows = [
        (criteria_id, position, requirement.level, requirement_hash(requirement.text),
         requirement.text)
        for criteria_id, one in zip(criteria_ids, found, strict=True)
        if one.closed is None
        for position, requirement in enumerate(one.criteria.requirements, 1)
    ]  # fmt: skip
    store.add_many(
        "INSERT OR IGNORE INTO requirement (content_hash, text) VALUES (?, ?)",
        [row[3:] for row in rows],
    )
    store.add_many(
        "INSERT INTO criteria_requirement (criteria_id, position, level, requirement_id)"
        " VALUES (?, ?, ?, (SELECT id FROM requirement WHERE content_hash = ?))",
        [row[:4] for row in rows],
    )


def _next_id(store: Store, table: str) -> int:
    return int(store.value(f"SELECT coalesce(max(id), 0) + 1 FROM {table}"))

"""Exchanges: what was said is kept to the character, also what an earlier version had stored."""

import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from core.errors import DatabaseRefused
from core.store.assessments import Key
from core.store.database import Store, ensure_database, opened
from core.store.exchanges import (
    Exchange,
    add_exchanges,
    conversation_of,
    exchanges_of_key,
    packed,
    unpacked,
)
from core.store.migrations.steps import migrations

KEY = Key(1, 1, 1, round=1)
#: One response with its question, as small as the schema of the first version allows.
BEFORE = (
    "INSERT INTO dataset VALUES (1, 'd', 'llmeval-med', 0, 'me', 't')",
    "INSERT INTO conversation VALUES (1, 1, 'MK', '5')",
    "INSERT INTO question (id, dataset_id, conversation_id, turn, key, category, language,"
    " position) VALUES (1, 1, 1, 1, 'MK:5:1', 'MK', 'zh', 1)",
    "INSERT INTO criteria (id, question_id, version, question_text, reference_answer, checklist,"
    " content_hash, reason, created_by)"
    " VALUES (1, 1, 1, '剂量？', '20 mg', '', 'hash', 'why', 'me')",
    "INSERT INTO study VALUES (1, 's', 'me', 't')",
    "INSERT INTO configuration VALUES (1, 'openai', 'm', '{}')",
    "INSERT INTO judge_prompt VALUES (1, 'MK', 'zh', 1, '请评分：', 'hash', 'why', 'me', 't')",
    "INSERT INTO rater VALUES (1, NULL, 1, 1)",
    "INSERT INTO model VALUES (1, 'cedar')",
    "INSERT INTO response (id, question_id, model_id, sample, attempt, criteria_id, text, origin,"
    " created_by) VALUES (1, 1, 1, 1, 1, 1, '每日 20 mg，随餐。', 'imported', 'me')",
    "INSERT INTO job (id, kind, lane, subject, study_id, plan, created_by)"
    " VALUES (1, 'judge', 'network', 's', 1, '{}', 'me')",
)
OLD_EXCHANGE = (
    "INSERT INTO exchange (id, response_id, rater_id, criteria_id, purpose, round, attempt, prompt,"
    " reply, finish_reason, prompt_tokens, reply_tokens, seconds, job_id, created_at)"
    " VALUES (?, 1, 1, 1, 'study', ?, 1, ?, ?, 'stop', 7, NULL, 0.25, 1, 'then')"
)
OLD_ASSESSMENT = (
    "INSERT INTO assessment (id, response_id, rater_id, criteria_id, purpose, round, attempt,"
    " scale, value, claimed_phase, exchange_id, created_by)"
    " VALUES (?, 1, 1, 1, 'study', ?, 1, 'score 1-5', 4, 'observed', ?, 'me')"
)


def plain(text: str) -> bytes:
    return zlib.compress(text.encode())


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database as the steps before left it, with two exchanges and their scores."""
    path = tmp_path / "old.db"
    database = Database(path)
    migrations.apply(database, stop_before="m004_verdicts")
    connection = database.conn
    for statement in BEFORE:
        connection.execute(statement)
    for number in (5, 9):
        texts = (plain(f"Prompt {number}"), plain(f"Reply {number}"))
        connection.execute(OLD_EXCHANGE, (number, number, *texts))
        connection.execute(OLD_ASSESSMENT, (number + 100, number, number))
    connection.commit()
    database.close()
    return path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database of now with one response."""
    path = tmp_path / "new.db"
    ensure_database(path)
    with opened(path) as store:
        for statement in BEFORE:
            store.conn.execute(statement)
        yield store


def test_exchanges_of_before_keep_their_ids_their_texts_and_their_scores(old):
    ensure_database(old)

    with opened(old) as store:
        rows = store.rows("SELECT id, ask, reask_version, marker, ticket, packing FROM exchange")
        linked = store.rows("SELECT id, exchange_id FROM assessment ORDER BY id")
        said = [conversation_of(store, number) for number in (5, 9)]
        assert store.rows("PRAGMA foreign_key_check") == []
    assert [tuple(row) for row in rows] == [(5, 1, None, "", "", 1), (9, 1, None, "", "", 1)]
    assert [tuple(row) for row in linked] == [(105, 5), (109, 9)]
    assert said == [
        [Exchange(Key(1, 1, 1, n), f"Prompt {n}", f"Reply {n}", "stop", 7, None, 0.25)]
        for n in (5, 9)
    ]


@pytest.mark.parametrize("statement", ["UPDATE exchange SET reply = x'00'", "DELETE FROM exchange"])
def test_exchanges_stay_append_only_and_are_still_referred_to(old, statement):
    ensure_database(old)

    with opened(old) as store:
        with pytest.raises(sqlite3.IntegrityError, match="exchange is append-only"):
            store.conn.execute(statement)
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            store.conn.execute(OLD_ASSESSMENT, (1, 1, 99))
        assert store.value("PRAGMA foreign_keys") == 1


def test_a_new_database_and_one_that_was_brought_up_to_date_have_one_schema(old, store):
    ensure_database(old)

    sql = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    with opened(old) as brought:
        assert [tuple(row) for row in brought.rows(sql)] == [tuple(row) for row in store.rows(sql)]


def test_a_database_with_broken_references_is_refused_and_left_as_it_was(old):
    connection = sqlite3.connect(old)
    connection.execute(OLD_ASSESSMENT, (1, 1, 99))
    connection.commit()
    connection.close()

    with pytest.raises(DatabaseRefused) as caught:
        ensure_database(old)

    assert caught.value.code == "broken_references"
    assert caught.value.values == {"path": str(old), "table": "assessment"}
    with opened(old) as store:
        columns = store.rows("SELECT name FROM pragma_table_info('exchange')")
        assert "ask" not in {name for (name,) in columns}
        assert store.value("SELECT count(*) FROM exchange") == 2


TEXTS = [
    "",
    "请评分：每日 20 mg，随餐。",
    "a\r\nb\x00c\u202e\u200b\U0001fa7a",
    "half of a pair \ud83d",
    "0123456789abcdef" * 10_000,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_comes_back_to_the_character(store, text):
    said = Exchange(KEY, text, text[::-1], "stop", 1, 2, 0.5, "marker", "ticket")
    again = Exchange(KEY, "And now?", "4", "stop", 1, 2, 0.5, "marker", "ticket", 2, 1)
    with store.writing():
        add_exchanges(store, [said, again], 1)

    assert exchanges_of_key(store, KEY) == [said, again]


def test_a_text_packed_with_other_texts_is_never_read_wrong():
    stored = packed("每日 20 mg，随餐。" * 9, b"20 mg")

    with pytest.raises(zlib.error):
        unpacked(stored, 2, "每日 30 mg".encode())


def test_what_stands_in_the_keys_own_texts_takes_no_room_twice(store):
    text = "请评分：剂量？20 mg 每日 20 mg，随餐。"

    assert len(packed(text, text.encode())) < 30 < len(plain(text))


def test_an_ask_is_stored_once(store):
    said = Exchange(KEY, "a", "b", "stop", 1, 2, 0.5)

    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), store.writing():
        add_exchanges(store, [said, said], None)

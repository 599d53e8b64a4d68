"""The schema's laws, one writer at a time, and files that are not ours."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.errors import DatabaseRefused
from core.store import schema
from core.store.database import Store, ensure_database, opened
from core.store.migrations.steps import APPEND_ONLY

ROOT = Path(__file__).parents[2]

#: One row in every append-only table, as small as the schema allows; `scale` has its own.
SPECIMEN = (
    "INSERT INTO dataset VALUES (1, 'd', 'llmeval-med', 0, 'me', 't')",
    "INSERT INTO dataset_marking VALUES (1, 1, 'local', 'why', 'me', 't')",
    "INSERT INTO release VALUES (1, 1, 'host', 'purpose', 'basis', 'me', 't')",
    "INSERT INTO import_run VALUES (1, 1, 'questions', 'f', 'hash', 'me', 't')",
    "INSERT INTO conversation VALUES (1, 1, 'MK', '5')",
    "INSERT INTO question VALUES (1, 1, 1, 1, 'MK:5:1', 'MK', 'en', 1, 'open')",
    "INSERT INTO personal_data_finding VALUES (1, 1, 1, 'problem', 'name', 0, 3)",
    "INSERT INTO question_record VALUES (1, 1, '{}', '', '', '', 'me', 't')",
    "INSERT INTO exercise VALUES (1, 'residency', 'surgery', 'A1', 2, 'file', '')",
    "INSERT INTO criteria VALUES (1, 1, 1, 'q', '', '', 'hash', 'why', 'me', 't', '')",
    "INSERT INTO closed_question VALUES (1, '{}', 'A', 0)",
    "INSERT INTO requirement VALUES (1, 'hash', 'text')",
    "INSERT INTO criteria_requirement VALUES (1, 1, 'core', 1)",
    "INSERT INTO study VALUES (1, 's', 'me', 't')",
    "INSERT INTO study_dataset VALUES (1, 1)",
    "INSERT INTO study_setting VALUES (1, 1, 'reveal', 'never', 'why', 'me', 't')",
    "INSERT INTO criteria_activation VALUES (1, 1, 1, 1, 'why', 'me', 't')",
    "INSERT INTO person VALUES (1, 'Dr Lin', 1, 't')",
    "INSERT INTO configuration VALUES (1, 'baseline', 'm', '{}')",
    "INSERT INTO judge VALUES (1, 'j', 1, 'score 1-5', 'me', 't')",
    "INSERT INTO judge_prompt VALUES (1, 'MK', 'en', 1, 'text', 'hash', 'why', 'me', 't')",
    "INSERT INTO prompt_activation VALUES (1, 1, 1, 'MK', 'en', 1, 'why', 'me', 't')",
    "INSERT INTO judging_plan VALUES (1, 1, 1, 3, 'me', 't')",
    "INSERT INTO rater VALUES (1, NULL, 1, 1)",
    "INSERT INTO model VALUES (1, 'cedar')",
    "INSERT INTO response (id, question_id, model_id, sample, attempt, criteria_id, text, origin,"
    " created_by) VALUES (1, 1, 1, 1, 1, 1, 'answer', 'imported', 'me')",
    "INSERT INTO option_order VALUES (1, 'BA')",
    "INSERT INTO exam_subset VALUES (1, 1, 'rapid', 1, 0, '{}', 'me', 't', '{}')",
    "INSERT INTO exam_subset_question VALUES (1, 1, '3', 0.5)",
    "INSERT INTO exchange (id, response_id, rater_id, criteria_id, purpose, round, attempt, ask,"
    " marker, ticket, packing, prompt, reply, finish_reason, seconds)"
    " VALUES (1, 1, 1, 1, 'study', 1, 1, 1, '', '', 2, x'00', x'00', 'stop', 0.1)",
    "INSERT INTO assessment (id, response_id, rater_id, criteria_id, purpose, round, attempt,"
    " scale, value, claimed_phase, created_by)"
    " VALUES (1, 1, 1, 1, 'study', 1, 1, 'score 1-5', 4, 'observed', 'me')",
    "INSERT INTO assessment_part (assessment_id, position, requirement_id, value)"
    " VALUES (1, 1, 1, 2)",
    "INSERT INTO generator VALUES (1, 1, 'huggingface', '/models/cedar', '{}', 'me', 't')",
    "INSERT INTO job (id, kind, lane, subject, study_id, plan, created_by)"
    " VALUES (1, 'generate', 'cpu', 's', 1, '{}', 'me')",
    "INSERT INTO generation VALUES (1, 1, 'folder-1', x'00', x'00', '', 'stop', 9, 3, 0.1, 1, 0)",
    "INSERT INTO job_note VALUES (1, 1, 'on_cpu', '{}', 't')",
    "INSERT INTO job_price VALUES (1, 'oak', 'USD', 1.0, NULL, 4.0, 0.0, 't')",
    "INSERT INTO account_event VALUES (1, 1, 'added', 'lead', 'why', 'me', 't')",
    "INSERT INTO jury VALUES (1, 1, 'bench', 'mean', 'me', 't')",
    "INSERT INTO jury_member VALUES (1, 1)",
    "INSERT INTO model_group VALUES (1, 1, 1, 'open', 'me', 't')",
    "INSERT INTO question_exclusion VALUES (1, 1, 1, 1, 'why', 'me', 't')",
    "INSERT INTO exposure (id, person_id, question_id, shown, page, after_assessment)"
    " VALUES (1, 1, 1, 'machine_verdict', 'case', 1)",
    "INSERT INTO draw VALUES (1, 1, 'work', 'response', '[]', 'equal', '{}', NULL, 1, 1, 0, 0,"
    " 'why', 'me', 't')",
    "INSERT INTO draw_response VALUES (1, 1, '[]', 1)",
    "INSERT INTO draw_person VALUES (1, 1, 'me', 't')",
    "INSERT INTO draw_end VALUES (1, 'note', 'me', 't')",
    "INSERT INTO field_of_work VALUES (1, 1, '[]', 'me', 't')",
    "INSERT INTO manual VALUES (1, 1, 'en', 1, 'text', 'why', 'me', 't')",
    "INSERT INTO consensus VALUES (1, 1, 1, 1, 1, 'score 1-5', 4, NULL, 1, 0, 'why', 'me', 't')",
    "INSERT INTO spot_check VALUES (1, 1, 1, 1, 0.1, 'me', 't')",
    "INSERT INTO spot_check_result VALUES (1, 1, 1, 1, '', 'me', 't')",
    "INSERT INTO difference_cause (id, person_id, response_id, criteria_id, cause, created_by)"
    " VALUES (1, 1, 1, 1, 'judge_wrong', 'me')",
    "INSERT INTO seal VALUES (1, 'salt', 0.3, 'me', 't')",
    "INSERT INTO conversation_seal VALUES (1, 1, 'dev', 't')",
    "INSERT INTO response_seal VALUES (1, 1, 'check', 't')",
    "INSERT INTO seal_opening VALUES (1, 1, NULL, 1, 'why', 'me', 't')",
    "INSERT INTO trial VALUES (1, 1, 1, 1, NULL, 1, 3, 0, 'me', 't')",
    "INSERT INTO trial_response VALUES (1, 1, 'affected', 1, 1, 1, 1, 1)",
    "INSERT INTO rejection VALUES (1, 1, 1, NULL, NULL, 'why', 'me', 't')",
    "INSERT INTO held_out_reading VALUES (1, 'dev', 1, 1, NULL, NULL, NULL, 0, 'me', 't')",
    "INSERT INTO suggestion VALUES (1, 1, 1, 1, NULL, 'asked', 'said', 'me', 't')",
    "INSERT INTO rescoring_offer VALUES (1, 1, 1, 1, 1, 'me', 't')",
    "INSERT INTO study_statement VALUES (1, 1, 'ethics', 'approved', 'me', 't')",
    "INSERT INTO question_audit (id, person_id, criteria_id, is_right, created_by)"
    " VALUES (1, 1, 1, 1, 'me')",
)


@pytest.fixture(scope="module")
def as_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh database; to be copied, not worked in."""
    path = tmp_path_factory.mktemp("as made") / "workbench.db"
    ensure_database(path)
    return path


@pytest.fixture
def path(tmp_path: Path, as_made: Path) -> Path:
    """A fresh database."""
    return Path(shutil.copy(as_made, tmp_path))


@pytest.fixture
def store(path: Path):
    """A database with one row in every append-only table."""
    with opened(path) as store:
        for statement in SPECIMEN:
            store.conn.execute(statement)
        yield store


def dump(store: Store, table: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in store.rows(f"SELECT * FROM {table}")]


def code_of(caught: pytest.ExceptionInfo[DatabaseRefused]) -> tuple[str, dict[str, object]]:
    return caught.value.code, caught.value.values


# --- laws -------------------------------------------------------------------------------


def test_the_specimen_has_a_row_of_every_append_only_table(store):
    assert [table for table in APPEND_ONLY if not dump(store, table)] == []


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE {table} SET {column} = {column}", id="update"),
        pytest.param("DELETE FROM {table}", id="delete"),
        pytest.param("INSERT OR REPLACE INTO {table} SELECT * FROM {table}", id="replace"),
        pytest.param("UPDATE OR REPLACE {table} SET {column} = {column}", id="update or replace"),
        pytest.param(
            "INSERT INTO {table} SELECT * FROM {table} WHERE true"
            " ON CONFLICT DO UPDATE SET {column} = {column}",
            id="upsert",
        ),
    ],
)
def test_no_study_fact_is_ever_changed(store, statement):
    before = {table: dump(store, table) for table in APPEND_ONLY}

    refusals = {table: refusal_of(store, statement, table) for table in APPEND_ONLY}

    assert refusals == {table: f"{table} is append-only" for table in APPEND_ONLY}
    assert {table: dump(store, table) for table in APPEND_ONLY} == before


def refusal_of(store: Store, statement: str, table: str) -> str:
    """What SQLite says to a statement that would change a table; '' where it does it."""
    column = store.value("SELECT name FROM pragma_table_info(?)", (table,))
    try:
        store.conn.execute(statement.format(table=table, column=column))
    except sqlite3.IntegrityError as error:
        return str(error)
    return ""


def test_every_other_table_is_one_that_may_change(store):
    tables = store.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'"
        " AND name NOT LIKE 'sqlite%'"
    )

    assert {name for (name,) in tables} - set(APPEND_ONLY) == {
        "person", "job", "job_tokens", "batch", "batch_request", "worker", "draft", "preference",
        "account", "account_right", "auth_session", "sign_in_failure", "reservation", "exam_tally",
            "exam_unread",
            "position_tally",
    }  # fmt: skip


ASSESSMENT = (
    "INSERT INTO assessment (response_id, rater_id, criteria_id, purpose, round, attempt, scale,"
    " value, unscored_because, safety_risk, claimed_phase, created_by)"
    " VALUES (:response_id, 1, 1, :purpose, :round, 1, :scale, :value, :because, :risk, :phase,"
    " 'me')"
)


def assessment(**fields: object) -> dict[str, object]:
    """An assessment that the schema takes; `fields` replace."""
    return {
        "response_id": 1, "purpose": "study", "round": 2, "scale": "score 1-5", "value": 4,
        "because": None, "risk": None, "phase": "observed",
    } | fields  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"value": 1},
        {"value": 5, "risk": 1},
        {"value": None, "because": "no_verdict"},
        {"value": 0, "scale": "released 0-5"},
        {"value": 7, "scale": "MTG 0-7"},
        {"purpose": "trial", "round": 1},
    ],
    ids=str,
)
def test_a_score_or_a_reason_is_taken(store, fields):
    given = assessment(**fields)

    added = store.add(ASSESSMENT, given)

    row = store.row("SELECT value, unscored_because FROM assessment WHERE id = ?", (added,))
    assert tuple(row) == (given["value"], given["because"])


@pytest.mark.parametrize(
    ("fields", "law"),
    [
        ({"because": "no_verdict"}, "CHECK"),
        ({"value": None}, "CHECK"),
        ({"value": None, "because": ""}, "CHECK"),
        ({"value": 0}, "score outside its scale"),
        ({"value": 6}, "score outside its scale"),
        ({"value": -1, "scale": "released 0-5"}, "score outside its scale"),
        ({"value": 8, "scale": "MTG 0-7"}, "score outside its scale"),
        ({"value": 4.5}, "cannot store REAL value in INTEGER column"),
        ({"value": "high"}, "cannot store TEXT value in INTEGER column"),
        ({"scale": "no such scale"}, "score outside its scale"),
        ({"scale": "no such scale", "value": None, "because": "no_verdict"}, "FOREIGN KEY"),
        ({"response_id": 99}, "FOREIGN KEY"),
        ({"response_id": None}, "NOT NULL"),
        ({"round": 0}, "CHECK"),
        ({"round": 1}, "UNIQUE"),
        ({"purpose": "other"}, "CHECK"),
        ({"risk": 2}, "CHECK"),
        ({"phase": "guessed"}, "CHECK"),
    ],
    ids=str,
)
def test_what_is_neither_score_nor_reason_is_refused(store, fields, law):
    before = dump(store, "assessment")

    with pytest.raises(sqlite3.IntegrityError, match=law):
        store.add(ASSESSMENT, assessment(**fields))

    assert dump(store, "assessment") == before


@pytest.mark.parametrize(
    ("text", "absent_because", "is_taken"),
    [
        ("answer", None, True),
        (None, "not_given", True),
        (None, None, False),
        ("answer", "empty", False),
        ("", None, False),
    ],
)
def test_a_response_is_a_text_or_a_reason(store, text, absent_because, is_taken):
    sql = (
        "INSERT INTO response (question_id, model_id, sample, attempt, criteria_id, text,"
        " absent_because, origin, created_by) VALUES (1, 1, 2, 1, 1, ?, ?, 'imported', 'me')"
    )
    if is_taken:
        assert store.add(sql, (text, absent_because)) == 2
    else:
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            store.add(sql, (text, absent_because))


@pytest.mark.parametrize(
    ("person", "configuration", "prompt"),
    [(None, None, None), (1, 1, 1), (None, 1, None), (None, None, 1), (1, None, 1)],
)
def test_a_rater_is_a_person_or_a_configuration_with_a_prompt(store, person, configuration, prompt):
    sql = "INSERT INTO rater (person_id, configuration_id, judge_prompt_id) VALUES (?, ?, ?)"

    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        store.add(sql, (person, configuration, prompt))


def test_foreign_keys_are_enforced_for_every_reference(store):
    for table in APPEND_ONLY:
        assert store.rows("SELECT * FROM pragma_foreign_key_check(?)", (table,)) == []
    assert store.value("PRAGMA foreign_keys") == 1
    assert store.value("PRAGMA recursive_triggers") == 1
    assert store.value("PRAGMA journal_mode") == "wal"


def test_the_schemas_document_is_true():
    # Written by: python -m core schema > docs/schema.md
    assert (ROOT / "docs" / "schema.md").read_text(encoding="utf-8") == schema.document()


# --- writing ----------------------------------------------------------------------------

ADD_MODEL = "INSERT INTO model (label) VALUES (?)"


def labels(path: Path) -> list[str]:
    with opened(path) as store:
        return [label for (label,) in store.rows("SELECT label FROM model ORDER BY id")]


def test_writing_commits_at_its_end(path):
    with opened(path) as store:
        with store.writing():
            store.add(ADD_MODEL, ("a",))
            assert labels(path) == []
        assert labels(path) == ["a"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, sqlite3.IntegrityError])
def test_writing_undoes_everything_on_an_exception_even_what_was_nested(path, error):
    with opened(path) as store:
        with pytest.raises(error):
            add_and_fail(store, error)
        with store.writing():
            store.add(ADD_MODEL, ("b",))

    assert labels(path) == ["b"]


def add_and_fail(store: Store, error: type[BaseException]) -> None:
    with store.writing():
        with store.writing():
            store.add(ADD_MODEL, ("a",))
        raise error


def test_writing_inside_writing_joins_it(path):
    with opened(path) as store:
        with store.writing():
            store.add(ADD_MODEL, ("a",))
            with store.writing():
                store.add(ADD_MODEL, ("b",))
            assert labels(path) == []
        assert labels(path) == ["a", "b"]


def test_eight_writers_wait_for_each_other(path):
    failures: list[BaseException] = []

    def write(name: int) -> None:
        try:
            for number in range(50):
                with opened(path) as store, store.writing():
                    seen = store.value("SELECT count(*) FROM model")
                    store.add(ADD_MODEL, (f"{name}.{number}, after {seen}",))
        except sqlite3.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Each read the count inside its transaction, so the counts seen are 0 … 399 in order.
    assert failures == []
    assert [int(label.rsplit(" ", 1)[1]) for label in labels(path)] == list(range(400))


def test_four_processes_may_create_the_database_at_once(tmp_path):
    path = tmp_path / "new" / "workbench.db"
    script = (
        "import sys; from pathlib import Path\n"
        "from core.store.database import ensure_database\n"
        "print(flush=True); input(); ensure_database(Path(sys.argv[1]))"
    )
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(path)], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in starts:
        process.stdout.readline()  # it has imported everything and waits
    for process in starts:
        process.stdin.write("\n")
        process.stdin.flush()

    ends = [(process.communicate()[1], process.returncode) for process in starts]

    assert ends == [("", 0)] * 4
    assert labels(path) == []


def test_ensuring_twice_keeps_what_is_there(path):
    with opened(path) as store:
        store.add(ADD_MODEL, ("a",))

    ensure_database(path)

    assert labels(path) == ["a"]


# --- files that are not ours ------------------------------------------------------------


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and long enough to be more than a header.\n" * 20)
    return path


@pytest.fixture
def other_file(tmp_path: Path) -> Path:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmark (url TEXT)")
    connection.commit()
    connection.close()
    return path


def open_it(path: Path) -> None:
    with opened(path):
        pass


@pytest.mark.parametrize("use", [open_it, ensure_database])
@pytest.mark.parametrize("file", ["text_file", "other_file"])
def test_a_file_that_is_not_ours_is_refused(request, use, file):
    path = request.getfixturevalue(file)

    with pytest.raises(DatabaseRefused) as caught:
        use(path)

    assert code_of(caught) == ("not_a_database", {"path": str(path)})


@pytest.mark.parametrize("use", [open_it, ensure_database])
@pytest.mark.parametrize("file", ["text_file", "other_file"])
def test_a_file_that_is_refused_is_left_as_it_was(request, use, file):
    path = request.getfixturevalue(file)
    before = path.read_bytes()

    with pytest.raises(DatabaseRefused):
        use(path)

    assert path.read_bytes() == before


def test_a_database_that_is_not_there_is_not_created_by_opening(tmp_path):
    path = tmp_path / "absent.db"

    with pytest.raises(DatabaseRefused) as caught:
        open_it(path)

    assert code_of(caught) == ("no_database", {"path": str(path)})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(DatabaseRefused) as caught:
        open_it(tmp_path)

    assert code_of(caught) == (
        "cannot_open",
        {"path": str(tmp_path), "problem": "unable to open database file"},
    )


def test_an_empty_database_is_not_ours_until_it_is_ensured(tmp_path):
    path = tmp_path / "empty.db"
    path.touch()

    with pytest.raises(DatabaseRefused) as caught:
        open_it(path)
    ensure_database(path)

    assert code_of(caught) == ("not_a_database", {"path": str(path)})
    assert labels(path) == []

"""Batches: requests handed over by the file, and which of them have no stored answer yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.store.assessments import Key, key_row
from core.store.database import Store
from core.store.exchanges import packed_prompt, unpacked_prompt

#: Requests that are read at once; a file can have 50,000.
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """A file of requests that has not ended.

    Attributes:
        token: in the remote batch's metadata.
        is_tried: it may be at the endpoint although its id is not known here.
        file_id, remote_id: None until the endpoint has told them.
        expected: what it may cost, where its job has a budget.
        age: seconds since it was made.
    """

    id: int
    job_id: int
    address: str
    token: str
    form: str
    limit_name: str
    expected: float
    is_tried: bool
    file_id: str | None
    remote_id: str | None
    total: int
    age: float


@dataclass(frozen=True, slots=True)
class Request:
    """One line of a batch.

    Attributes:
        prompt: what this ask adds to the conversation.
    """

    number: int
    key: Key
    ask: int
    reask_version: int | None
    marker: str
    ticket: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the open batches of a job are, as the endpoint counts.

    Attributes:
        states: the endpoint's words; '' for one that is not there yet.
    """

    total: int
    completed: int
    failed: int
    states: tuple[str, ...]


def add_batch(
    store: Store, job_id: int, judge_id: int, study_id: int, address: str, token: str,
    *, form: str, limit_name: str,
) -> int:  # fmt: skip
    """Begin a batch without requests."""
    return store.add(
        "INSERT INTO batch (job_id, judge_id, study_id, address, token, form, limit_name)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (job_id, judge_id, study_id, address, token, form, limit_name),
    )


def add_requests(
    store: Store, batch_id: int, requests: Sequence[Request], *, expected: float
) -> None:
    """Add requests to a batch that is not handed over yet."""
    store.add_many(
        "INSERT INTO batch_request (batch_id, number, response_id, rater_id, criteria_id, round,"
        " attempt, purpose, ask, reask_version, marker, ticket, prompt)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                batch_id, one.number, *key_row(one.key), one.ask, one.reask_version, one.marker,
                one.ticket, packed_prompt(store, one.key, one.prompt),
            )
            for one in requests
        ],
    )  # fmt: skip
    store.change(
        "UPDATE batch SET total = total + ?, expected = expected + ? WHERE id = ?",
        (len(requests), expected, batch_id),
    )


_REQUEST = """
    SELECT number, response_id, rater_id, criteria_id, round, attempt, purpose, ask,
           reask_version, marker, ticket, prompt
    FROM batch_request
"""


def requests_of(store: Store, batch_id: int) -> Iterator[Request]:
    """The requests of a batch without a stored answer, in the order of the file."""
    after = 0
    while True:
        rows = store.rows(
            f"{_REQUEST} WHERE batch_id = ? AND number > ? ORDER BY number LIMIT ?",
            (batch_id, after, _PAGE),
        )
        if not rows:
            return
        for row in rows:
            yield _request(store, tuple(row))
        after = rows[-1]["number"]


def request_of(store: Store, batch_id: int, number: int) -> Request | None:
    """A request of a batch; None where it has a stored answer, or never was."""
    row = store.row(f"{_REQUEST} WHERE batch_id = ? AND number = ?", (batch_id, number))
    return None if row is None else _request(store, tuple(row))


def remove_requests(store: Store, batch_id: int, numbers: Sequence[int]) -> None:
    """Forget requests whose answers are stored."""
    store.add_many(
        "DELETE FROM batch_request WHERE batch_id = ? AND number = ?",
        [(batch_id, number) for number in numbers],
    )


def is_pending(store: Store, key: Key) -> bool:
    """Whether a key stands in a batch that has not ended."""
    sql = """
        SELECT EXISTS (SELECT 1 FROM batch_request
          WHERE response_id = ? AND rater_id = ? AND criteria_id = ? AND round = ?
            AND attempt = ? AND purpose = ?)
    """
    return bool(store.value(sql, key_row(key)))


def pending_count(store: Store, study_id: int, judge_id: int) -> int:
    """Requests of a judge in batches that have not ended."""
    sql = """
        SELECT count(*) FROM batch_request JOIN batch ON batch.id = batch_id
        WHERE study_id = ? AND judge_id = ? AND NOT is_ended
    """
    return int(store.value(sql, (study_id, judge_id)))


def open_batches(store: Store, study_id: int, judge_id: int) -> list[Batch]:
    """A judge's batches that have not ended, whichever job made them, oldest first."""
    sql = """
        SELECT id, job_id, address, token, form, limit_name, expected, is_tried, file_id,
               remote_id, total,
               (julianday('now') - julianday(created_at)) * 86400.0 AS age
        FROM batch WHERE study_id = ? AND judge_id = ? AND NOT is_ended ORDER BY id
    """
    return store.read(Batch, sql, (study_id, judge_id))


def last_dialect(store: Store, judge_id: int, address: str) -> tuple[str, str] | None:
    """Form and name of the limit in the newest batch of a judge at an address."""
    found = store.row(
        "SELECT form, limit_name FROM batch WHERE judge_id = ? AND address = ?"
        " ORDER BY id DESC LIMIT 1",
        (judge_id, address),
    )
    return None if found is None else (found[0], found[1])


def set_file(store: Store, batch_id: int, file_id: str) -> None:
    """Note under which id the endpoint has a batch's file."""
    store.change("UPDATE batch SET file_id = ? WHERE id = ?", (file_id, batch_id))


def set_tried(store: Store, batch_id: int) -> None:
    """Note that the endpoint is about to be given a batch."""
    store.change("UPDATE batch SET is_tried = 1 WHERE id = ?", (batch_id,))


def set_remote(
    store: Store, batch_id: int, remote_id: str, state: str, *, completed: int, failed: int
) -> None:
    """Note how the endpoint tells a batch."""
    store.change(
        "UPDATE batch SET remote_id = ?, remote_state = ?, completed = ?, failed = ? WHERE id = ?",
        (remote_id, state, completed, failed, batch_id),
    )


def end(store: Store, batch_id: int) -> None:
    """End a batch: what it has not answered is outstanding again."""
    store.change("DELETE FROM batch_request WHERE batch_id = ?", (batch_id,))
    store.change(
        "UPDATE batch SET is_ended = 1, ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
        " WHERE id = ?",
        (batch_id,),
    )


def standing(store: Store, study_id: int, judge_id: int) -> Standing | None:
    """How far a judge's open batches are; None where there is none."""
    sql = """
        SELECT total, completed, failed, remote_state FROM batch
        WHERE study_id = ? AND judge_id = ? AND NOT is_ended ORDER BY id
    """
    rows = [tuple(row) for row in store.rows(sql, (study_id, judge_id))]
    if not rows:
        return None
    totals, completed, failed, states = zip(*rows, strict=True)
    return Standing(sum(totals), sum(completed), sum(failed), tuple(dict.fromkeys(states)))


def _request(store: Store, row: tuple[Any, ...]) -> Request:
    number, *identity, ask, reask_version, marker, ticket, prompt = row
    key = Key(*identity)
    text = unpacked_prompt(store, key, prompt)
    return Request(number, key, ask, reask_version, marker, ticket, text)

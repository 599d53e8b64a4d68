"""People: who scores and revises, what they have typed, and how they like the app."""

from dataclasses import dataclass

from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who scores, revises or leads."""

    id: int
    name: str
    is_illustrative: bool


_COLUMNS = "SELECT id, name, is_illustrative FROM person"


def people(store: Store) -> list[Person]:
    """Everybody, in order of arrival."""
    return store.read(Person, f"{_COLUMNS} ORDER BY id")


def person_named(store: Store, name: str) -> Person | None:
    """The person of that name."""
    return store.read_one(Person, f"{_COLUMNS} WHERE name = ?", (name,))


def ensure_person(store: Store, name: str, *, is_illustrative: bool = False) -> Person:
    """The person of that name, added if new."""
    store.change(
        "INSERT OR IGNORE INTO person (name, is_illustrative) VALUES (?, ?)",
        (name, int(is_illustrative)),
    )
    found = person_named(store, name)
    assert found is not None
    return found


def draft(store: Store, person_id: int, subject: str) -> str:
    """What a person has typed there and not submitted; '' if nothing."""
    sql = "SELECT text FROM draft WHERE person_id = ? AND subject = ?"
    return store.value(sql, (person_id, subject)) or ""


def save_draft(store: Store, person_id: int, subject: str, text: str) -> None:
    """Keep what a person has typed; an empty text removes the draft."""
    if not text:
        sql = "DELETE FROM draft WHERE person_id = ? AND subject = ?"
        store.change(sql, (person_id, subject))
        return
    store.change(
        "INSERT INTO draft (person_id, subject, text) VALUES (?, ?, ?)"
        " ON CONFLICT (person_id, subject) DO UPDATE SET text = excluded.text,"
        " updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
        (person_id, subject, text),
    )


def preference(store: Store, person_id: int, name: str) -> str | None:
    """A person's preference, None if never stated."""
    sql = "SELECT value FROM preference WHERE person_id = ? AND name = ?"
    found: str | None = store.value(sql, (person_id, name))
    return found


def save_preference(store: Store, person_id: int, name: str, value: str) -> None:
    """Remember a preference."""
    store.change(
        "INSERT INTO preference (person_id, name, value) VALUES (?, ?, ?)"
        " ON CONFLICT (person_id, name) DO UPDATE SET value = excluded.value",
        (person_id, name, value),
    )

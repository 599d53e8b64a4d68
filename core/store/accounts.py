"""Accounts: how people sign in, what they may do, who is signed in, and failed attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.domain.rights import Right, in_order
from core.store.database import Store
from core.store.people import Person

What = Literal["added", "rights", "password", "disabled", "enabled"]


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it stands."""

    person_id: int
    name: str
    is_illustrative: bool
    is_disabled: bool
    has_password: bool
    oidc_subject: str | None
    rights: tuple[Right, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """A change of an account."""

    name: str
    what: What
    rights: str
    reason: str
    created_by: str
    created_at: str


_SELECT = """
    SELECT person.id, person.name, person.is_illustrative, account.is_disabled,
           account.password_hash IS NOT NULL, account.oidc_subject,
           (SELECT group_concat(name, ' ') FROM account_right
            WHERE account_right.person_id = account.person_id)
    FROM account JOIN person ON person.id = account.person_id
"""


def accounts(store: Store) -> list[Account]:
    """All accounts, oldest person first."""
    return [_account(tuple(row)) for row in store.rows(f"{_SELECT} ORDER BY person.id")]


def account_of(store: Store, person_id: int) -> Account | None:
    """A person's account."""
    row = store.row(f"{_SELECT} WHERE account.person_id = ?", (person_id,))
    return None if row is None else _account(tuple(row))


def account_with_subject(store: Store, subjects: Sequence[str]) -> Account | None:
    """The account of one of these subjects of single sign-on, the first that is found."""
    for subject in subjects:
        row = store.row(f"{_SELECT} WHERE account.oidc_subject = ?", (subject,))
        if row is not None:
            return _account(tuple(row))
    return None


def has_real_account(store: Store) -> bool:
    """Tell whether anybody but illustrative people has an account, disabled ones included."""
    sql = """
        SELECT EXISTS (SELECT 1 FROM account JOIN person ON person.id = account.person_id
                       WHERE NOT person.is_illustrative)
    """
    return bool(store.value(sql))


def rights_of(store: Store, person_id: int) -> frozenset[str]:
    """What a person may do; nothing where their account is disabled or not there."""
    rows = store.rows(
        "SELECT account_right.name FROM account_right"
        " JOIN account ON account.person_id = account_right.person_id"
        " WHERE account.person_id = ? AND NOT account.is_disabled",
        (person_id,),
    )
    return frozenset(name for (name,) in rows)


def add_account(
    store: Store, person_id: int, *, password_hash: str | None, oidc_subject: str | None
) -> None:
    """Insert an account without rights."""
    store.add(
        "INSERT INTO account (person_id, password_hash, oidc_subject) VALUES (?, ?, ?)",
        (person_id, password_hash, oidc_subject),
    )


def set_rights(store: Store, person_id: int, rights: Sequence[Right]) -> None:
    """Let an account have exactly these rights."""
    store.change("DELETE FROM account_right WHERE person_id = ?", (person_id,))
    store.add_many(
        "INSERT INTO account_right (person_id, name) VALUES (?, ?)",
        [(person_id, right) for right in rights],
    )


def set_password_hash(store: Store, person_id: int, password_hash: str) -> None:
    """Replace a password."""
    sql = "UPDATE account SET password_hash = ? WHERE person_id = ?"
    store.change(sql, (password_hash, person_id))


def password_hash_of(store: Store, person_id: int) -> str | None:
    """Hash of a person's password; None where no password opens the account."""
    sql = "SELECT password_hash FROM account WHERE person_id = ?"
    found: str | None = store.value(sql, (person_id,))
    return found


def set_disabled(store: Store, person_id: int, *, is_disabled: bool) -> None:
    """Close an account or open it again."""
    sql = "UPDATE account SET is_disabled = ? WHERE person_id = ?"
    store.change(sql, (int(is_disabled), person_id))


def add_event(store: Store, person_id: int, what: What, *, reason: str, by: str) -> None:
    """Record a change of an account with the rights it has now."""
    account = account_of(store, person_id)
    rights = " ".join(account.rights) if account else ""
    store.add(
        "INSERT INTO account_event (person_id, what, rights, reason, created_by)"
        " VALUES (?, ?, ?, ?, ?)",
        (person_id, what, rights, reason, by),
    )


def events(store: Store, *, limit: int) -> list[Event]:
    """The newest changes of accounts, newest first."""
    return store.read(
        Event,
        "SELECT person.name, what, rights, reason, created_by, account_event.created_at"
        " FROM account_event JOIN person ON person.id = person_id"
        " ORDER BY account_event.id DESC LIMIT ?",
        (limit,),
    )


# --- who is signed in -------------------------------------------------------------------------


def add_session(
    store: Store, token_hash: str, person_id: int, *, now: float, ends_at: float, is_ticket: bool
) -> None:
    """Remember a browser, and forget those whose time is over."""
    store.change("DELETE FROM auth_session WHERE ends_at < ?", (now,))
    store.add(
        "INSERT INTO auth_session (token_hash, person_id, is_ticket, seen_at, ends_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (token_hash, person_id, int(is_ticket), now, ends_at),
    )


def session(
    store: Store, token_hash: str, *, now: float, idle: float, is_ticket: bool = False
) -> tuple[Person, float] | None:
    """Whose browser has a token, and when it was last seen; None where it opens nothing (more)."""
    row = store.row(
        "SELECT person.id, person.name, person.is_illustrative, auth_session.seen_at"
        " FROM auth_session JOIN account USING (person_id)"
        " JOIN person ON person.id = account.person_id"
        " WHERE token_hash = ? AND is_ticket = ? AND NOT account.is_disabled"
        " AND ends_at > ? AND seen_at > ?",
        (token_hash, int(is_ticket), now, now - idle),
    )
    if row is None:
        return None
    person_id, name, is_illustrative, seen_at = row
    return Person(person_id, name, bool(is_illustrative)), seen_at


def see_session(store: Store, token_hash: str, *, now: float) -> None:
    """Note that a browser was seen."""
    store.change("UPDATE auth_session SET seen_at = ? WHERE token_hash = ?", (now, token_hash))


def end_session(store: Store, token_hash: str) -> None:
    """Forget one browser."""
    store.change("DELETE FROM auth_session WHERE token_hash = ?", (token_hash,))


def end_sessions(store: Store, person_id: int, *, now: float, but: str = "") -> None:
    """Forget all browsers of a person, but for one token's."""
    sql = "DELETE FROM auth_session WHERE person_id = ? AND token_hash <> ?"
    store.change(sql, (person_id, but))
    store.change("UPDATE account SET signed_out_at = ? WHERE person_id = ?", (now, person_id))


def signed_out_at(store: Store, person_id: int) -> float:
    """When a person last signed out everywhere, in Unix seconds; 0 for never."""
    found: float = store.value(
        "SELECT signed_out_at FROM account WHERE person_id = ?", (person_id,)
    )
    return found


# --- failed attempts --------------------------------------------------------------------------


def failures(store: Store, subject: str) -> tuple[int, float]:
    """How often in a row something failed, and when last (Unix seconds)."""
    row = store.row("SELECT count, last_at FROM sign_in_failure WHERE subject = ?", (subject,))
    return (0, 0.0) if row is None else (row[0], row[1])


def add_failure(store: Store, subject: str, *, now: float, forget_before: float) -> None:
    """Count a failure, and forget those that lie long back."""
    store.change("DELETE FROM sign_in_failure WHERE last_at < ?", (forget_before,))
    store.change(
        "INSERT INTO sign_in_failure (subject, count, last_at) VALUES (?, 1, ?)"
        " ON CONFLICT (subject) DO UPDATE SET count = count + 1, last_at = excluded.last_at",
        (subject, now),
    )


def take_back_failure(store: Store, subject: str) -> None:
    """Count one failure less."""
    sql = "UPDATE sign_in_failure SET count = count - 1 WHERE subject = ? AND count > 0"
    store.change(sql, (subject,))


def forget_failures(store: Store, subject: str) -> None:
    """Start counting anew."""
    store.change("DELETE FROM sign_in_failure WHERE subject = ?", (subject,))


def _account(row: tuple[int, str, int, int, int, str | None, str | None]) -> Account:
    person_id, name, is_illustrative, is_disabled, has_password, subject, rights = row
    return Account(
        person_id, name, bool(is_illustrative), bool(is_disabled), bool(has_password), subject,
        in_order((rights or "").split()),
    )  # fmt: skip

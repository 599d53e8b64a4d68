"""Enrolling: accounts, their rights, and an event for every change of them."""

import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.rights import Right, in_order, is_right
from core.errors import NotAllowed, Refused, UnknownName
from core.services.hashing import password_hash
from core.services.permitting import require, require_operator
from core.store import accounts, datasets, draws, people, reviews
from core.store.accounts import Account, Event
from core.store.asked import situation_of
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study

#: Who signs in with one click while there is nothing but the illustrative study.
_ILLUSTRATIVE: dict[str, tuple[Right, ...]] = {
    "Dr Lin (illustrative)": ("physician",),
    "Dr Weber (illustrative)": ("physician",),
    "Dr Tang (illustrative)": ("physician", "adjudicator", "lead"),
}
_FIRST: tuple[Right, ...] = ("physician", "lead", "administrator")
_EVENTS_SHOWN = 50
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who is to get an account, and how they sign in.

    Attributes:
        password: None where only single sign-on opens the account.
        oidc_subject: the provider's subject, or an e-mail address that it verifies; '' for none.
    """

    name: str
    rights: tuple[str, ...]
    password: str | None
    oidc_subject: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a person is with a study; `account` is None for an author without one."""

    person: Person
    account: Account | None
    scored: int
    total: int


def accounts_of(store: Store) -> list[Account]:
    """All accounts.

    Raises:
        NotAllowed: to all but administrators.
    """
    require(store, "administrator")
    return accounts.accounts(store)


def changes(store: Store) -> list[Event]:
    """The newest changes of accounts, newest first.

    Raises:
        NotAllowed: to all but administrators.
    """
    require(store, "administrator")
    return accounts.events(store, limit=_EVENTS_SHOWN)


def progress_of_people(store: Store, study: Study) -> list[Progress]:
    """Everybody with how many responses of a study they have scored.

    Raises:
        NotAllowed: to all but leads and administrators.
    """
    require(store, "lead", "administrator")
    known = {account.person_id: account for account in accounts.accounts(store)}
    is_drawn = draws.is_drawn(store, study.id)
    found = []
    for person in people.people(store):
        if is_drawn:
            asked = situation_of(store, study.id, person.id, now=time.time()).asked_of()
            scored, total = asked.answered, asked.answered + asked.left
        else:
            scored = len(reviews.answered(store, study.id, person.id))
            total = reviews.offered_count(store, study.id)
        found.append(Progress(person, known.get(person.id), scored, total))
    return found


def add_account(store: Store, wanted: Enrolment, *, by: str) -> Person:
    """Give somebody an account; a person who is there already as an author keeps their work.

    Raises:
        NotAllowed: to all but administrators.
        Refused: `needs_name`, `name_too_long`, `needs_a_right`, `unknown_right`, `needs_password`,
            `password_too_short`, `password_too_long`, `account_exists`, `subject_taken`,
            `name_is_illustrative`.
    """
    require(store, "administrator")
    return _add(store, wanted, by=by)


def physician_named(store: Store, name: str) -> Person:
    """The person in whose name the operator enters a score.

    While nobody has an account any name will do; from then on it is a physician's.

    Raises:
        UnknownName: `no_such_physician`, with those there are.
    """
    require_operator(store)
    if not accounts.has_real_account(store):
        return people.ensure_person(store, name)
    known = [one.name for one in accounts.accounts(store) if "physician" in one.rights]
    person = people.person_named(store, name) if name in known else None
    if person is None:
        raise UnknownName("no_such_physician", name=name, known=", ".join(known) or "–")
    return person


def needs_first_account(store: Store) -> bool:
    """Tell whether nobody but illustrative people has an account."""
    return not accounts.has_real_account(store)


def add_first_account(store: Store, name: str, password: str) -> Person:
    """Give the first person an account, with the rights to lead and to give others accounts.

    Whoever comes first may do this; the page asks for the code in the log where strangers could.

    Raises:
        NotAllowed: `not_the_first`.
        Refused: as `add_account`.
    """
    if not needs_first_account(store):
        raise NotAllowed("not_the_first")
    wanted = Enrolment(name, _FIRST, password, reason="first account")
    return _add(store, wanted, by=_known_or_tidy(store, name), is_first=True)


def set_rights(store: Store, name: str, rights: Sequence[str], *, reason: str, by: str) -> None:
    """Let an account have exactly these rights.

    Raises:
        NotAllowed: to all but administrators.
        UnknownName: `unknown_account`.
        Refused: `needs_reason`, `needs_a_right`, `unknown_right`; `own_account` where an
            administrator would lose that right by their own hand.
    """
    require(store, "administrator")
    wanted = _checked_rights(rights)
    _check_reason(reason)
    with store.writing():
        account = _account_named(store, name)
        if account.person_id == store.actor and "administrator" not in wanted:
            raise Refused("own_account")
        accounts.set_rights(store, account.person_id, wanted)
        accounts.add_event(store, account.person_id, "rights", reason=reason, by=by)


def reset_password(store: Store, name: str, password: str, *, reason: str, by: str) -> None:
    """Give an account another password, and sign it out everywhere.

    Raises:
        NotAllowed: to all but administrators.
        UnknownName: `unknown_account`.
        Refused: `needs_reason`, `password_too_short`, `password_too_long`,
            `name_is_illustrative`.
    """
    require(store, "administrator")
    _check_reason(reason)
    hashed = password_hash(password)
    with store.writing():
        account = _account_named(store, name)
        if account.is_illustrative:
            raise Refused("name_is_illustrative")
        accounts.set_password_hash(store, account.person_id, hashed)
        accounts.end_sessions(store, account.person_id, now=time.time())
        accounts.add_event(store, account.person_id, "password", reason=reason, by=by)


def disable(store: Store, name: str, *, reason: str, by: str) -> None:
    """Close an account at once, wherever it is signed in; what the person did stays.

    Raises:
        NotAllowed: to all but administrators.
        UnknownName: `unknown_account`.
        Refused: `needs_reason`; `own_account`.
    """
    require(store, "administrator")
    _check_reason(reason)
    with store.writing():
        account = _account_named(store, name)
        if account.person_id == store.actor:
            raise Refused("own_account")
        _close(store, account, reason=reason, by=by)


def enable(store: Store, name: str, *, reason: str, by: str) -> None:
    """Open a closed account again.

    Raises:
        NotAllowed: to all but administrators.
        UnknownName: `unknown_account`.
        Refused: `needs_reason`, `name_is_illustrative`.
    """
    require(store, "administrator")
    _check_reason(reason)
    with store.writing():
        account = _account_named(store, name)
        if account.is_illustrative:
            raise Refused("name_is_illustrative")
        accounts.set_disabled(store, account.person_id, is_disabled=False)
        accounts.add_event(store, account.person_id, "enabled", reason=reason, by=by)


# --- illustrative people ----------------------------------------------------------------------


def ensure_illustrative_accounts(store: Store, *, by: str) -> None:
    """Give the illustrative people accounts where nothing but their study is there.

    Raises:
        NotAllowed: to all but the operator.
    """
    require_operator(store)
    with store.writing():
        if accounts.accounts(store) or not _is_sample_alone(store):
            return
        for name, rights in _ILLUSTRATIVE.items():
            person = people.ensure_person(store, name, is_illustrative=True)
            accounts.add_account(store, person.id, password_hash=None, oidc_subject=None)
            accounts.set_rights(store, person.id, rights)
            accounts.add_event(store, person.id, "added", reason="illustrative study", by=by)


def one_click_accounts(store: Store) -> list[Account]:
    """Illustrative accounts that are open: none once a real dataset or a real account is there."""
    if not _is_sample_alone(store) or accounts.has_real_account(store):
        return []
    return [
        account
        for account in accounts.accounts(store)
        if account.is_illustrative and not account.is_disabled
    ]


def close_illustrative_accounts(store: Store, *, reason: str, by: str) -> None:
    """Close the illustrative accounts for good; their scores stay with their study.

    Raises:
        NotAllowed: to all but leads and administrators.
    """
    require(store, "lead", "administrator")
    _close_illustrative(store, reason=reason, by=by)


def _is_sample_alone(store: Store) -> bool:
    found = datasets.datasets(store)
    return bool(found) and all(dataset.is_illustrative for dataset in found)


def _close_illustrative(store: Store, *, reason: str, by: str) -> None:
    with store.writing():
        for account in accounts.accounts(store):
            if account.is_illustrative and not account.is_disabled:
                _close(store, account, reason=reason, by=by)


# --- the steps of a change --------------------------------------------------------------------


def _add(store: Store, wanted: Enrolment, *, by: str, is_first: bool = False) -> Person:
    name, rights = _known_or_tidy(store, wanted.name), _checked_rights(wanted.rights)
    subject = wanted.oidc_subject.strip()
    if "@" in subject:
        subject = subject.lower()
    if not name:
        raise Refused("needs_name")
    if len(name) > _LONGEST_NAME:
        raise Refused("name_too_long", longest=_LONGEST_NAME)
    if wanted.password is None and not subject:
        raise Refused("needs_password")
    hashed = None if wanted.password is None else password_hash(wanted.password)
    with store.writing():
        if is_first and accounts.has_real_account(store):
            raise NotAllowed("not_the_first")
        person = people.ensure_person(store, name)
        if person.is_illustrative:
            raise Refused("name_is_illustrative")
        if accounts.account_of(store, person.id) is not None:
            raise Refused("account_exists", name=name)
        if subject and accounts.account_with_subject(store, [subject]) is not None:
            raise Refused("subject_taken", subject=subject)
        accounts.add_account(store, person.id, password_hash=hashed, oidc_subject=subject or None)
        accounts.set_rights(store, person.id, rights)
        reason = wanted.reason.strip() or "new account"
        accounts.add_event(store, person.id, "added", reason=reason, by=by)
        _close_illustrative(store, reason="a real account was added", by=by)
        return person


def _close(store: Store, account: Account, *, reason: str, by: str) -> None:
    accounts.set_disabled(store, account.person_id, is_disabled=True)
    accounts.end_sessions(store, account.person_id, now=time.time())
    draws.release(store, account.person_id)
    accounts.add_event(store, account.person_id, "disabled", reason=reason, by=by)


def _checked_rights(rights: Sequence[str]) -> tuple[Right, ...]:
    if not rights:
        raise Refused("needs_a_right")
    for name in rights:
        if not is_right(name):
            raise Refused("unknown_right", name=name)
    return in_order(rights)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Refused("needs_reason")


def _account_named(store: Store, name: str) -> Account:
    person = people.person_named(store, _known_or_tidy(store, name))
    account = None if person is None else accounts.account_of(store, person.id)
    if account is None:
        raise UnknownName("unknown_account", name=name)
    return account


def _known_or_tidy(store: Store, name: str) -> str:
    """A name as it is known; of a new one, composed characters, single blanks, all printable."""
    if people.person_named(store, name) is not None:
        return name
    composed = unicodedata.normalize("NFC", name)
    return " ".join("".join(one if one.isprintable() else " " for one in composed).split())

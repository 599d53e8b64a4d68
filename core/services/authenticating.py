"""Authenticating: who is at the other end, kept as a session that ends.

A browser holds a random token; the database holds its hash. What failed is counted before it is
looked at, so that attempts made at once do not slip past the count.
"""

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from core.domain.attempts import FREE_BY_ADDRESS, FREE_BY_NAME, seconds_to_wait
from core.domain.rights import RIGHTS
from core.errors import NotAllowed, Refused
from core.services.enrolling import add_first_account, one_click_accounts
from core.services.hashing import is_password, password_hash, token_hash
from core.services.permitting import require_own
from core.store import accounts, draws, people
from core.store.database import Store
from core.store.people import Person

#: A session ends so long after it was last seen, and so long after the sign-in.
IDLE_SECONDS = 12 * 3600.0
SESSION_SECONDS = 14 * 86_400.0
#: Being seen is written down at most so often.
_SEEN_EVERY = 60.0
#: How long what a provider of single sign-on said may lie back, and how long a ticket is good.
_FRESH_SECONDS = 300.0
_FORGET_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody at the door.

    Attributes:
        address: where they come from, as far as the server knows.
        old_token: what their browser had before; it opens nothing any more.
    """

    name: str
    password: str
    address: str
    old_token: str = ""


def sign_in(store: Store, attempt: Attempt) -> str:
    """Token of a new session.

    Raises:
        Refused: `sign_in_failed`, whether the name, the password or the account is wrong;
            `slow_down` after repeated failures, and then nothing was looked at.
    """
    by_name, by_address = _subject("name", attempt.name), _subject("address", attempt.address)
    _count_attempt(store, {by_name: FREE_BY_NAME, by_address: FREE_BY_ADDRESS})
    person = people.person_named(store, attempt.name)
    account = None if person is None else accounts.account_of(store, person.id)
    known = None if person is None else accounts.password_hash_of(store, person.id)
    is_right = is_password(attempt.password, known)
    if not is_right or person is None or account is None or account.is_disabled:
        raise Refused("sign_in_failed")
    with store.writing():
        accounts.forget_failures(store, by_name)
        accounts.take_back_failure(store, by_address)  # others there may still be guessing
    return _begin(store, person.id, old_token=attempt.old_token)


def sign_in_with_one_click(store: Store, person_id: int, *, old_token: str = "") -> str:
    """Token of a new session of an illustrative account.

    Raises:
        NotAllowed: `no_one_click` where they are closed, or it is somebody else.
    """
    if person_id not in {account.person_id for account in one_click_accounts(store)}:
        raise NotAllowed("no_one_click")
    return _begin(store, person_id, old_token=old_token)


def check_code(store: Store, given: str, code: str, *, address: str) -> None:
    """Go on only with the code that stands in the server's log.

    Raises:
        Refused: `wrong_code`; `slow_down` after repeated failures.
    """
    by_address = _subject("code", address)
    _count_attempt(store, {by_address: FREE_BY_NAME})
    if not hmac.compare_digest(given.strip().encode(), code.encode()):
        raise Refused("wrong_code")
    with store.writing():
        accounts.forget_failures(store, by_address)


def sign_in_first(store: Store, name: str, password: str, *, old_token: str = "") -> str:
    """Give the first person an account; the token of their session.

    Raises:
        NotAllowed, Refused: as `add_first_account`.
    """
    person = add_first_account(store, name, password)
    return _begin(store, person.id, old_token=old_token)


def person_of(store: Store, token: str, *, is_active: bool = True) -> Person | None:
    """Whose session a token is; None where it has ended, or its account is closed.

    Args:
        is_active: the person has just done something; a page that refreshes itself has not, and
            does not keep the session from becoming idle.
    """
    if not token:
        return None
    hashed, now = token_hash(token), time.time()
    found = accounts.session(store, hashed, now=now, idle=IDLE_SECONDS)
    if found is None:
        return None
    person, seen_at = found
    if is_active and now - seen_at > _SEEN_EVERY:
        with store.writing():
            accounts.see_session(store, hashed, now=now)
    return person


def sign_out(store: Store, token: str) -> None:
    """End all sessions of the person whose token this is; what they had reserved is free again."""
    person = person_of(store, token)
    if person is not None:
        with store.writing():
            accounts.end_sessions(store, person.id, now=time.time())
            draws.release(store, person.id)


def has_password(store: Store, person: Person) -> bool:
    """Tell whether a password opens one's own account.

    Raises:
        NotAllowed: `not_yours`.
    """
    require_own(store, person.id, *RIGHTS)
    return accounts.password_hash_of(store, person.id) is not None


def change_password(store: Store, person: Person, old: str, new: str, *, token: str) -> None:
    """Change one's own password, and end one's sessions but this one.

    Raises:
        NotAllowed: `not_yours`.
        Refused: `wrong_old_password`, `slow_down`, `password_too_short`, `password_too_long`.
    """
    require_own(store, person.id, *RIGHTS)
    hashed = password_hash(new)
    by_person = _subject("password", str(person.id))
    _count_attempt(store, {by_person: FREE_BY_NAME})
    if not is_password(old, accounts.password_hash_of(store, person.id)):
        raise Refused("wrong_old_password")
    with store.writing():
        accounts.forget_failures(store, by_person)
        accounts.set_password_hash(store, person.id, hashed)
        accounts.end_sessions(store, person.id, now=time.time(), but=token_hash(token))
        accounts.add_event(
            store, person.id, "password", reason="changed by its owner", by=person.name
        )


# --- single sign-on ---------------------------------------------------------------------------


def ticket_for(store: Store, claims: Mapping[str, Any]) -> tuple[Person, str]:
    """Who a provider of single sign-on says is there, and a ticket that begins their session once.

    Args:
        claims: of the provider's ID token, its signature checked.

    Raises:
        Refused: `no_such_subject` where no open account has that subject or verified e-mail
            address; `sign_on_again` where the provider said so too long ago.
    """
    subjects = [str(claims["sub"])] if claims.get("sub") else []
    if claims.get("email") and claims.get("email_verified") is True:
        subjects.append(str(claims["email"]).lower())
    account = accounts.account_with_subject(store, subjects)
    if account is None or account.is_disabled:
        raise Refused("no_such_subject")
    said_at, now = float(claims.get("iat") or 0), time.time()
    if now - said_at > _FRESH_SECONDS or said_at < accounts.signed_out_at(store, account.person_id):
        raise Refused("sign_on_again")
    person = Person(account.person_id, account.name, account.is_illustrative)
    ticket = secrets.token_urlsafe(32)
    with store.writing():
        accounts.add_session(
            store, token_hash(ticket), person.id,
            now=now, ends_at=now + _FRESH_SECONDS, is_ticket=True,
        )  # fmt: skip
    return person, ticket


def redeem(store: Store, ticket: str, *, old_token: str = "") -> str:
    """Token of a new session for a ticket, which is used up.

    Raises:
        Refused: `sign_on_again`.
    """
    hashed = token_hash(ticket)
    with store.writing():
        found = accounts.session(
            store, hashed, now=time.time(), idle=_FRESH_SECONDS, is_ticket=True
        )
        accounts.end_session(store, hashed)
    if found is None:
        raise Refused("sign_on_again")
    return _begin(store, found[0].id, old_token=old_token)


def _begin(store: Store, person_id: int, *, old_token: str) -> str:
    """A new session; one that the browser had before ends, so that nobody else can hold it."""
    token, now = secrets.token_urlsafe(32), time.time()
    with store.writing():
        if old_token:
            accounts.end_session(store, token_hash(old_token))
        accounts.add_session(
            store, token_hash(token), person_id,
            now=now, ends_at=now + SESSION_SECONDS, is_ticket=False,
        )  # fmt: skip
    return token


def _subject(kind: str, value: str) -> str:
    """What failures are counted by: a hash, as a password may stand where the name belongs."""
    return token_hash(f"{kind}:{value}")


def _count_attempt(store: Store, subjects: Mapping[str, int]) -> None:
    """Count an attempt as failed until it has succeeded.

    Args:
        subjects: how many failures in a row are free, by subject.

    Raises:
        Refused: `slow_down`; such an attempt does not count.
    """
    now = time.time()
    with store.writing():
        for subject, free in subjects.items():
            count, last_at = accounts.failures(store, subject)
            wait = seconds_to_wait(count, free=free)
            left = min(wait, last_at + wait - now)  # a clock that was set back locks nobody out
            if left > 0:
                raise Refused("slow_down", seconds=ceil(left))
        for subject in subjects:
            accounts.add_failure(store, subject, now=now, forget_before=now - _FORGET_SECONDS)

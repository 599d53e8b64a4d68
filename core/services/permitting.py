"""Permitting: whether the person on whose behalf a connection works may do something.

Every service function that changes something, or reads what not everybody may read, calls one of
these first. `Store.actor` says for whom it works; the operator at the command line, who owns the
file, and the worker may do everything.
"""

from core.domain.rights import PAGES, RIGHTS, Right
from core.errors import NotAllowed
from core.store import accounts
from core.store.database import Store


def rights_of_actor(store: Store) -> frozenset[str]:
    """What the actor may do; nothing for nobody, and for a disabled account."""
    if store.actor is None:
        return frozenset(RIGHTS)
    return accounts.rights_of(store, store.actor)


def require(store: Store, *rights: Right) -> None:
    """Go on only if the actor has one of these rights.

    Raises:
        NotAllowed: `needs_right`.
    """
    if not rights_of_actor(store) & set(rights):
        raise NotAllowed("needs_right", rights=rights)


def require_own(store: Store, person_id: int, *rights: Right) -> None:
    """Go on only if the actor has one of these rights, and acts for themself.

    Raises:
        NotAllowed: `needs_right`, `not_yours`.
    """
    require(store, *rights)
    if store.actor not in (None, person_id):
        raise NotAllowed("not_yours")


def require_operator(store: Store) -> None:
    """Go on only for the operator or the worker.

    Raises:
        NotAllowed: `needs_operator`.
    """
    if store.actor is not None:
        raise NotAllowed("needs_operator")


def require_page(store: Store, page: str) -> None:
    """Go on only if the actor may open a page.

    Raises:
        NotAllowed: `page_needs_right`.
    """
    if not rights_of_actor(store) & set(PAGES[page]):
        raise NotAllowed("page_needs_right", rights=PAGES[page])

"""Releasing: local text goes to no host that a person has not released it to."""

from collections.abc import Sequence

from core.domain.addresses import OPENAI, host_of, is_loopback
from core.engines.catalogue import entry_of
from core.errors import Refused, ReleaseRequired
from core.services.naming import dataset_named
from core.services.permitting import require
from core.store import datasets as dataset_rows
from core.store.database import Store


def release(store: Store, dataset: str, host: str, *, purpose: str, basis: str, by: str) -> None:
    """Record that a dataset's text may be sent to a host.

    Raises:
        UnknownName: `unknown_dataset`.
        Refused: `needs_reason` where host, purpose or basis is empty.
    """
    require(store, "lead")
    found = dataset_named(store, dataset)
    if not (host.strip() and purpose.strip() and basis.strip()):
        raise Refused("needs_reason")
    with store.writing():
        dataset_rows.add_release(
            store, found.id, host.strip().lower(), purpose=purpose, basis=basis, by=by
        )


def check_may_send(store: Store, study_id: int, engine: str, addresses: Sequence[str]) -> None:
    """Refuse to send a study's text where it must not go.

    Args:
        engine: one that needs no address sends nothing.
        addresses: empty for the engine's default.

    Raises:
        ReleaseRequired: `release_required` for the first local dataset and host.
        Refused: `bad_address` for an address that is no http(s) URL.
    """
    require(store, "lead")
    if not entry_of(engine).needs_address:
        return
    for address in addresses or (OPENAI,):
        host = host_of(address)
        if not host:
            raise Refused("bad_address", address=address)
        if is_loopback(host):
            continue
        for dataset in dataset_rows.datasets_of_study(store, study_id):
            is_local = dataset.marking == "local"
            if is_local and not dataset_rows.is_released(store, dataset.id, host):
                raise ReleaseRequired("release_required", dataset=dataset.name, host=host)

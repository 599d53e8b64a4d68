"""Releasing: local text goes to no host that a person has not released it to."""

from collections.abc import Sequence

from core.domain.addresses import host_of, is_loopback
from core.errors import Refused, ReleaseRequired, UnknownName
from core.store import datasets as dataset_rows
from core.store.database import Store
from core.store.datasets import Dataset


def dataset_named(store: Store, name: str) -> Dataset:
    """The dataset of that name.

    Raises:
        UnknownName: `unknown_dataset`, with the names that exist.
    """
    found = dataset_rows.dataset_named(store, name)
    if found is None:
        known = ", ".join(dataset.name for dataset in dataset_rows.datasets(store))
        raise UnknownName("unknown_dataset", name=name, known=known or "–")
    return found


def release(store: Store, dataset: str, host: str, *, purpose: str, basis: str, by: str) -> None:
    """Record that a dataset's text may be sent to a host.

    Raises:
        UnknownName: `unknown_dataset`.
        Refused: `needs_reason` where host, purpose or basis is empty.
    """
    found = dataset_named(store, dataset)
    if not (host.strip() and purpose.strip() and basis.strip()):
        raise Refused("needs_reason")
    with store.writing():
        dataset_rows.add_release(
            store, found.id, host.strip().lower(), purpose=purpose, basis=basis, by=by
        )


def check_may_send(store: Store, study_id: int, addresses: Sequence[str]) -> None:
    """Refuse to send a study's text where it must not go.

    Raises:
        ReleaseRequired: `release_required` for the first local dataset and host.
        Refused: `bad_address` for an address that is no http(s) URL.
    """
    for address in addresses:
        host = host_of(address)
        if not host:
            raise Refused("bad_address", address=address)
        if is_loopback(host):
            continue
        for dataset in dataset_rows.datasets_of_study(store, study_id):
            is_local = dataset.marking == "local"
            if is_local and not dataset_rows.is_released(store, dataset.id, host):
                raise ReleaseRequired("release_required", dataset=dataset.name, host=host)

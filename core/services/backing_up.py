"""Backing up: a whole, checked copy of the database, made while people go on working."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.errors import Refused
from core.services.permitting import require
from core.store import backups
from core.store.database import Store


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the database.

    Attributes:
        bytes: its size.
        made_at: UTC.
    """

    path: Path
    bytes: int
    made_at: datetime


def folder_of(store: Store) -> Path:
    """Where copies are kept unless another place is named: beside the database."""
    require(store, "administrator")
    return store.path.resolve().parent / "backups"


def backups_kept(store: Store) -> list[Backup]:
    """The copies in that folder, newest first."""
    require(store, "administrator")
    found = [_backup(path) for path in folder_of(store).glob("*.db")]
    return sorted(found, key=lambda one: one.made_at, reverse=True)


def back_up(store: Store, to: Path | None = None) -> Backup:
    """Copy the database into a new file, whole or not at all.

    Raises:
        Refused: `backup_exists`; `backup_folder` where the folder can't be made.
        DatabaseRefused: `cannot_back_up`.
    """
    require(store, "administrator")
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    path = to or folder_of(store) / f"{store.path.stem}-{now}.db"
    if path.exists():
        raise Refused("backup_exists", path=str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = error.strerror or ""
        raise Refused("backup_folder", path=str(path.parent), problem=problem) from error
    part = path.with_name(f"{path.name}.part")
    backups.copy_into(store, part)
    part.rename(path)
    return _backup(path)


def _backup(path: Path) -> Backup:
    found = path.stat()
    return Backup(path, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

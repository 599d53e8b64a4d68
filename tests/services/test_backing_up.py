"""Backing up: a copy is whole, checked, made beside writers, and never half a file."""

import sqlite3

import pytest

from core.errors import DatabaseRefused, Refused
from core.services import backing_up
from core.store import people
from core.store.database import opened
from tests.workbench import Workbench


def test_a_copy_holds_all_that_was_committed_and_can_be_worked_in(study):
    study.scores(study.physician("Dr Lin"), "MK:1:1", "cedar", 4)

    made = backing_up.back_up(study.store)

    assert made.path.parent == study.path.parent / "backups"
    assert made.path.stat().st_mode & 0o077 == 0
    with opened(made.path) as copy:
        again = Workbench(copy, study.folder)
        assert again.counts() == study.counts()
        with pytest.raises(sqlite3.IntegrityError):
            copy.change("UPDATE assessment SET value = 1", ())
    assert [one.path for one in backing_up.backups_kept(study.store)] == [made.path]


def test_a_copy_is_made_while_somebody_is_writing(study, tmp_path):
    before = study.counts()
    with opened(study.path) as other, other.writing():
        people.ensure_person(other, "Dr Late")
        made = backing_up.back_up(study.store, tmp_path / "copy.db")
    with opened(made.path) as copy:
        assert Workbench(copy, tmp_path).counts() == before


def test_nothing_is_overwritten(study, tmp_path):
    there = tmp_path / "copy.db"
    there.write_text("mine", encoding="utf-8")

    with pytest.raises(Refused) as caught:
        backing_up.back_up(study.store, there)

    assert caught.value.code == "backup_exists"
    assert there.read_text(encoding="utf-8") == "mine"


def test_a_folder_that_cannot_be_made_is_told(study, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Refused) as caught:
        backing_up.back_up(study.store, tmp_path / "file" / "copy.db")
    assert caught.value.code == "backup_folder"


def test_of_a_copy_that_fails_nothing_is_left(study, tmp_path):
    to = tmp_path / ("n" * 250)  # with its ending it is longer than a file's name may be

    with pytest.raises(DatabaseRefused) as caught:
        backing_up.back_up(study.store, to)

    assert caught.value.code == "cannot_back_up"
    assert list(tmp_path.glob("n*")) == []

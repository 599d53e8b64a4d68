"""Uploads as files: under their own names, in their folder, and nowhere else."""

import pytest

from core.errors import BrokenFile
from core.formats.declaring import files_of
from core.ui.uploads import kept_upload, kept_uploads

TASKS = [("medbench/MedDG/MedDG.jsonl", b"b"), ("medbench/DDx/DDx.jsonl", b"a")]


def test_a_folder_has_its_own_name_and_its_tasks_inside():
    with kept_uploads(TASKS) as path:
        assert path.name == "medbench"
        assert [(one.name, one.read_bytes()) for one in files_of(path)] == [
            ("DDx.jsonl", b"a"), ("MedDG.jsonl", b"b"),
        ]  # fmt: skip
    assert not path.exists()


def test_folders_of_single_tasks_are_put_together():
    with kept_uploads([(name.removeprefix("medbench/"), text) for name, text in TASKS]) as path:
        assert [one.stem for one in files_of(path)] == ["DDx", "MedDG"]
    with kept_uploads([("DDx/DDx.jsonl", b"a")]) as path:
        assert [one.stem for one in files_of(path)] == ["DDx"]


@pytest.mark.parametrize("name", ["../../x.json", "/x.json", "x.json"])
def test_a_name_does_not_lead_out_of_the_folder(name):
    with kept_upload(name, b"{}") as path:
        assert path.name == "x.json"
    with kept_uploads([(name, b"{}")]) as again:
        assert again.parent.name == "tasks"
        assert again.read_bytes() == b"{}"


def test_the_same_file_twice_is_refused():
    with pytest.raises(BrokenFile, match="file_twice"), kept_uploads([TASKS[0], TASKS[0]]):
        pass

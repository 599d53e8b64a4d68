"""docs/formats.md: its examples are imported; the format of one's own is made as it says."""

import re
from pathlib import Path

import pytest

from core.domain.closed import Closed, Strata
from core.domain.table_fields import read_mapping
from core.formats import catalogue
from core.formats.catalogue import FIVE_KEYS, FORMATS, TABLE, guessed
from core.formats.declaring import Format, read_benchmark
from core.formats.judged import JUDGED
from core.formats.tables import read_table
from core.services.importing_files import import_guessed
from core.services.importing_questions import QuestionImport
from core.services.importing_table import TableImport, import_table
from core.services.opening import ensure_workbench
from core.store.database import opened

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
LINE = (
    '{"nr": 1, "stem": "男，61 岁，胸痛。", "ask": "首选？", "choices": {"A": "心电图", "B": "CT"},'
    ' "key": "A", "ward": "心内科", "hard": "easy"}\n'
)


def own_format() -> tuple[Format, int]:
    """The format that the document declares, and how many lines it takes."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    made: dict[str, object] = {}
    exec(compile(code, "ward.py", "exec"), made)
    declared = code[code.index("FORMAT = ") :].strip()
    return made["FORMAT"], len(declared.splitlines())  # type: ignore[return-value]


def test_a_format_of_ones_own_takes_twenty_lines_and_reads_a_file(tmp_path):
    (tmp_path / "ward.jsonl").write_text(LINE, encoding="utf-8")
    format_, lines = own_format()

    (found,) = read_benchmark(tmp_path / "ward.jsonl", format_)

    assert lines <= 20
    assert str(found.key) == "WARD:1:1"
    assert found.criteria.question_text == "男，61 岁，胸痛。\n\n首选？\n\nA. 心电图\nB. CT"
    assert found.closed == Closed((("A", "心电图"), ("B", "CT")), "A", takes_several=False)
    assert found.strata == Strata("", "心内科", "", 1, "file", found.strata.stem)
    assert found.strata.stem


def test_its_line_in_the_catalogue_makes_it_guessed_and_read_again(tmp_path, monkeypatch):
    (tmp_path / "ward.jsonl").write_text(LINE, encoding="utf-8")
    format_, _ = own_format()
    monkeypatch.setattr(catalogue, "FORMATS", FORMATS | {format_.name: format_})

    (found,) = read_benchmark(tmp_path / "ward.jsonl", format_)

    assert catalogue.guessed(tmp_path / "ward.jsonl").format == "ward-exam"
    assert catalogue.criteria_of_record("ward-exam", found.record) == found.criteria


NAMES = sorted([*FORMATS, *(one.name for one in JUDGED), FIVE_KEYS, TABLE])
#: Format, file and text of every example.
EXAMPLES = re.findall(r"^\*\*`([\w-]+)`\*\*, `(\S+)`\n\n```\w+\n(.*?)```", DOCUMENT, re.M | re.S)


def test_the_document_lists_every_format_and_shows_an_example_of_it():
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", DOCUMENT, re.MULTILINE)

    assert sorted(listed) == NAMES
    assert sorted(name for name, _, _ in EXAMPLES) == NAMES


@pytest.mark.parametrize(("name", "file", "text"), EXAMPLES, ids=[one[0] for one in EXAMPLES])
def test_an_example_of_the_document_is_guessed_and_imported(tmp_path, name, file, text):
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    whole = tmp_path / file.partition("/")[0]
    database = tmp_path / "workbench.db"
    ensure_workbench(database)

    assert guessed(whole).format == name
    with opened(database) as store:
        if name == TABLE:
            mapping = read_mapping((), read_table(path).columns)
            import_table(store, path, TableImport("mine", "Dr Lead", mapping))
        else:
            import_guessed(store, whole, name, QuestionImport("mine", "Dr Lead"))
        questions = store.value("SELECT count(*) FROM question")

    counted = {"llmeval-med": 1, "cmexam": 1, "table": 1, "cmb-exam": 2, "cmb-clin": 2}
    assert questions == counted.get(name, len(text.splitlines()))

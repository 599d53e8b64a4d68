"""docs/formats.md: the format of one's own is made as it says, and reads what it says."""

import re
from pathlib import Path

from core.domain.closed import Closed, Strata
from core.formats import catalogue
from core.formats.catalogue import FIVE_KEYS, FORMATS, TABLE
from core.formats.declaring import Format, read_benchmark
from core.formats.judged import JUDGED

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
    monkeypatch.setattr(catalogue, "FORMATS", (*FORMATS, format_))

    (found,) = read_benchmark(tmp_path / "ward.jsonl", format_)

    assert catalogue.guessed(tmp_path / "ward.jsonl").format == "ward-exam"
    assert catalogue.criteria_of_record("ward-exam", found.record) == found.criteria


def test_the_document_lists_every_format():
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", DOCUMENT, re.MULTILINE)

    assert sorted(listed) == sorted(
        [*(one.name for one in FORMATS), *(one.name for one in JUDGED), FIVE_KEYS, TABLE]
    )

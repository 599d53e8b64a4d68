"""Benchmarks that bring scores, and answers in the shapes that benchmarks ask for, by command."""

import json
from pathlib import Path

import pytest

from tests.services.test_judged_files import META, STARS
from tests.test_cli import Shell, shell

__all__ = ["shell"]


def lines(records: list[dict[str, object]]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)


def test_healthbenchs_meta_rows_come_in_and_physicians_are_held_against_each_other(
    shell: Shell,
) -> None:
    file = shell.file(lines(META), "meta.jsonl")
    said = shell("import", "healthbench-meta", file, "--name", "meta", "--phase", "blind", "--json")
    assert (said.json["responses"], said.json["scores"]) == (4, 8)

    shell("judge", "--dataset", "meta", "--engine", "baseline")
    pairs = shell("rubric", "agreement", "--dataset", "meta", "--json").json["pairs"]
    # alone: 2 both, 1 apart, 1 neither
    alone = {one["who"]: one["f1"]["macro"] for one in pairs if one["who"] != "baseline"}
    assert alone == dict.fromkeys(("ann", "bob"), pytest.approx((4 / 5 + 2 / 3) / 2))
    assert shell("rubric", "score", "--dataset", "meta").code == 0


def test_llmeval_2s_stars_come_in(shell: Shell) -> None:
    file = shell.file(lines(STARS), "stars.jsonl")
    assert shell("import", "guess", file, "--json").json["format"] == "llmeval-2"
    said = shell("import", "llmeval-2", file, "--name", "stars", "--json").json
    assert (said["questions"], said["scores"]) == (2, 3)


def test_answers_go_out_as_medbench_and_cmb_take_them(shell: Shell, tmp_path: Path) -> None:
    asked = {"question": "请总结病历。", "answer": "", "other": {"id": 3, "source": "MRG"}}
    exercise = {
        "id": 11, "exam_type": "exam", "exam_class": "c", "exam_subject": "s", "question": "首选？",
        "question_type": "单项选择题", "option": {"A": "心电图", "B": "CT"}, "answer": "A",
    }  # fmt: skip
    shell("import", "medbench", shell.file(lines([asked]), "mb.jsonl"), "--name", "mb")
    shell("import", "cmb-exam", shell.file([exercise], "cmb.json"), "--name", "cmb")
    for name, key, answer in (("mb", "MRG:3:1", "胸痛 2 天。"), ("cmb", "exam:11:1", "答案：B")):
        row = shell.file(lines([{"question": key, "response": answer}]), f"{name}-answers.jsonl")
        shell("import", "responses", row, "--dataset", name, "--model", "elm")

    for shape, name in (("medbench", "mb"), ("cmb", "cmb")):
        out = tmp_path / f"{name}.out"
        done = shell("export", shape, "--dataset", name, "--model", "elm", "--out", out)
        assert done.code == 0, done.err
    assert json.loads((tmp_path / "mb.out").read_text("utf-8")) == asked | {"answer": "胸痛 2 天。"}
    assert json.loads((tmp_path / "cmb.out").read_text("utf-8")) == [
        {"id": 11, "model_answer": "B"}
    ]

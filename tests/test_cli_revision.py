"""The commands of the revision loop: whole, in one sentence, and in JSON."""

import json
import string
from pathlib import Path

import pytest

from core.i18n import catalogue, sentence
from tests.openai_server import Fault, OpenAIServer, saying
from tests.test_cli import Shell
from tests.workbench import CEDAR, QUESTIONS, WILLOW, five_keys

STRICTER = "核心需求：\n1. 写明 20 mg 每日 1 次\n2. 写明途径"
MK = ("--dataset", "ward", "--question", "MK:1:1")


@pytest.fixture
def server():
    """An endpoint that passes all, but rejects what lacks what the stricter checklist asks."""
    with OpenAIServer() as server:
        server.fails(saying(1), when=lambda prompt: "写明途径" in prompt and "10 mg" in prompt)
        server.fails(saying(5))
        yield server


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: OpenAIServer) -> Shell:
    """The small study, drawn, judged by `oak`, with a physician's scores of both models."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    shell = Shell(tmp_path)
    file = shell.file(five_keys(QUESTIONS), "ward.json")
    assert shell("import", "llmeval-med", file, "--name", "ward").code == 0
    drawn = shell("seal", "draw", "--dataset", "ward", "--salt", "ward", "--json").json
    assert (drawn["dev"], drawn["held_out"]) == (6, ["MLU:1:1"])
    for model, answers in (("cedar", CEDAR), ("willow", WILLOW)):
        added = {key: {"model_answer": answer} for key, answer in answers.items()}
        file = shell.file(five_keys(QUESTIONS, added), f"{model}.json")
        shell("import", "responses", file, "--dataset", "ward", "--model", model)
    rows = "question,model,physician,score\n" + "".join(
        f"MK:1:1,{model},Dr Lin,{score}\n" for model, score in (("cedar", 5), ("willow", 1))
    )
    shell("import", "scores", shell.file(rows, "s.csv"), "--dataset", "ward", "--phase", "blind")
    judged = shell("judge", "--dataset", "ward", "--engine", "openai", "--model", "oak",
                   "--rounds", 1, "--temperature", 0, "--base-url", server.url)  # fmt: skip
    assert judged.code == 0, judged.err
    shell.file(STRICTER, "stricter.txt")
    return shell


def _drafts(shell: Shell) -> None:
    done = shell("revise", "checklist", *MK, "--file", shell.folder / "stricter.txt",
                 "--reason", "the route was missing", "--draft", "--json")  # fmt: skip
    assert done.json == {"question": "MK:1:1", "version": 2, "outstanding": {"oak": 0}, "stale": 0}


def test_a_draft_is_tried_and_activated_and_nothing_is_asked_twice(
    shell: Shell, server: OpenAIServer
) -> None:
    _drafts(shell)
    cost = shell("trial", *MK, "--dry-run", "--json").json
    assert (cost["outstanding"], len(server.received)) == (2, 14)

    tried = shell("trial", *MK, "--json").json

    assert len(server.received) == 16
    sides = tried["seen"], tried["held_back"]
    assert [one["n"] for one in sides] == [1, 1]
    assert sum(one["false_usable"][0] for one in sides) == 1
    assert sum(one["false_usable"][1] for one in sides) == 0
    assert tried["missing"] == 0
    assert shell("trial", *MK).out.splitlines()[0].startswith("Seen: n 1 · newly broken 0")
    assert len(server.received) == 16

    would = shell("activate", *MK, "--dry-run", "--json").json
    assert (would["adopted"], would["missing"]) == (2, 0)
    done = shell("activate", *MK, "--reason", "it helps", "--json").json
    assert (done["version"], done["adopted"], done["missing"], done["job_id"]) == (2, 2, 0, None)
    assert len(server.received) == 16
    versions = shell("compare", *MK, "--from", 1, "--to", 2, "--json").json["versions"]
    assert [one["state"] for one in versions] == ["in_use", "used_before"]
    assert "{+途径+}" in shell("compare", *MK, "--from", 1, "--to", 2).out
    everything = shell("compare", "--dataset", "ward", "--json").json
    assert (everything["questions"], everything["not_verifiable"]) == (1, 0)


def test_a_candidate_is_rejected(shell: Shell) -> None:
    _drafts(shell)

    assert shell("reject", *MK, "--reason", "asks too much", "--json").json["rejected"] is True

    versions = shell("compare", *MK, "--json").json["versions"]
    assert (versions[0]["state"], versions[0]["decided"]) == ("rejected", "asks too much")


def test_reference_and_question_are_revised_too(shell: Shell) -> None:
    for what, stale in (("reference", 0), ("question", 2)):
        file = shell.file(f"new {what}", f"{what}.txt")
        done = shell("revise", what, *MK, "--file", file, "--reason", "r", "--json").json
        assert (done["outstanding"], done["stale"]) == ({"oak": 2}, stale)


def test_a_prompt_is_activated_for_its_category_alone(shell: Shell, server: OpenAIServer) -> None:
    text = shell("prompt", "show", "--category", "MK", "--language", "zh").out[:-1]
    file = shell.file(f"{text} 从严。", "mk.txt")
    shell("prompt", "add", "--category", "MK", "--language", "zh", "--file", file,
          "--reason", "r")  # fmt: skip
    which = ("--dataset", "ward", "--category", "MK", "--language", "zh")

    assert shell("trial", *which, "--json").json["seen"]["n"] == 1
    done = shell("activate", *which, "--reason", "stricter", "--json").json

    assert (done["adopted"], done["missing"]) == (2, 2)  # two questions, two models
    assert len(server.received) == 14 + 2 + 2
    first, second = shell("compare", *which, "--json").json["prompts"]
    assert (first["version"], second["version"]) == (1, 2)
    assert (second["dev"]["n"], second["held_out"]["n"]) == (2, 0)


def test_what_is_held_out_is_opened_with_a_reason_that_stays(shell: Shell) -> None:
    closed = ("--dataset", "ward", "--question", "MLU:1:1")
    revising = ["revise", "checklist", *closed, "--file", shell.folder / "stricter.txt",
                "--reason", "r"]  # fmt: skip
    refused = shell(*revising)
    assert (refused.code, refused.err) == (
        2, f"attending: {sentence('en', 'error.held_out_question', key='MLU:1:1')}\n",
    )  # fmt: skip

    assert shell("seal", "open", *closed, "--reason", "the reference is wrong").code == 0
    assert shell(*revising).code == 0

    shown = shell("seal", "show", "--dataset", "ward", "--json").json
    assert shown["held_out"] == []
    assert [(one["subject"], one["reason"]) for one in shown["openings"]] == [
        ("MLU:1", "the reference is wrong")
    ]
    assert "opened MLU:1: the reference is wrong" in shell("seal", "show", "--dataset", "ward").out


def test_a_model_suggests_by_command(shell: Shell, server: OpenAIServer) -> None:
    said = '{"changes": [{"action": "add", "level": "core", "text": "写明途径", "reason": "途径"}]}'
    server.recovers()
    server.fails(Fault(text=said))
    done = shell("suggest", *MK, "--json").json["changes"]

    assert done == [
        {"action": "add", "number": 0, "level": "core", "text": "写明途径", "reason": "途径"}
    ]
    assert shell("suggest", *MK).out == "add 0 [core] 写明途径 — 途径\n"


def test_a_judge_card_goes_out_and_comes_in(shell: Shell) -> None:
    card = shell.folder / "oak.yaml"

    out = shell("judge-card", "export", "--dataset", "ward", "--out", card, "--json").json
    done = shell("judge-card", "import", card, "--dataset", "ward", "--json").json

    assert (done["judge"], done["sha256"], done["same"]) == ("oak", out["sha256"], 7)
    assert done["record"]["all"]["n"] == 2


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("trial --dataset ward", "names_no_candidate"),
        ("trial --dataset ward --question MK:1:1", "candidate_in_use"),
        ("activate --dataset ward --question MK:1:1 --reason r", "candidate_in_use"),
        ("activate --dataset ward --question MK:1:1 --version 9 --reason r",
         "unknown_criteria_version"),
        ("compare --dataset ward", "nothing_revised"),
        ("seal draw --dataset ward", "seals_drawn"),
        ("seal open --dataset ward --question MK:1:1 --reason r", "not_sealed"),
        ("judge-card import {folder}/stricter.txt --dataset ward", "not_a_card"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_sentence_and_writes_nothing(shell: Shell, typed, error) -> None:
    said = shell(*typed.format(folder=shell.folder).split())

    assert (said.code, said.out) == (2, "")
    fixed = [text for text, *_ in string.Formatter().parse(catalogue("en")[f"error.{error}"])]
    assert [text for text in fixed if text not in said.err] == []
    assert len(said.err.splitlines()) == 1
    assert json.loads(shell("seal", "show", "--dataset", "ward", "--json").out)["openings"] == []

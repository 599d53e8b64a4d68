"""The commands about judge prompts, and the audit: whole, in one sentence, and in JSON."""

from pathlib import Path

import pytest

from core.domain.prompts import PLACEHOLDERS
from core.i18n import sentence
from tests.openai_server import Fault, OpenAIServer
from tests.test_cli import Shell
from tests.workbench import CEDAR, QUESTIONS, WILLOW, five_keys

ROOT = Path(__file__).resolve().parents[1]
MK = ("--category", "MK", "--language", "zh")
SHIPPED = (ROOT / "data" / "prompts" / "zh" / "MK.txt").read_text(encoding="utf-8")
EDITED = SHIPPED.replace("每个数值都要", "每个剂量都要")


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell with the small study, the responses of two models, and an edited prompt."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    shell = Shell(tmp_path)
    file = shell.file(five_keys(QUESTIONS), "ward.json")
    assert shell("import", "llmeval-med", file, "--name", "ward").code == 0
    for model, answers in (("cedar", CEDAR), ("willow", WILLOW)):
        added = {key: {"model_answer": answer} for key, answer in answers.items()}
        file = shell.file(five_keys(QUESTIONS, added), f"{model}.json")
        done = shell("import", "responses", file, "--dataset", "ward", "--model", model)
        assert done.code == 0
    shell.file(EDITED, "edited.txt")
    return shell


def _adds(shell: Shell) -> None:
    added = shell(
        "prompt", "add", *MK, "--file", shell.folder / "edited.txt", "--reason", "doses", "--json"
    )
    assert added.json == {"category": "MK", "language": "zh", "version": 2}


def test_the_shipped_prompt_is_shown_to_the_character(shell: Shell) -> None:
    assert shell("prompt", "show", *MK).out == f"{SHIPPED}\n"
    assert shell("prompt", "show", *MK, "--json").json["text"] == SHIPPED


def test_versions_are_listed_with_author_reason_and_the_judges_they_serve(shell: Shell) -> None:
    _adds(shell)

    listed = shell("prompt", "list", "--dataset", "ward", "--json").json["prompts"]

    assert len(listed) == 11
    [newest] = [one for one in listed if one["version"] == 2]
    assert (newest["reason"], newest["created_by"], newest["serves"]) == ("doses", "Dr Lead", [])
    assert "MK zh version 2: Dr Lead, " in shell("prompt", "list").out


def test_two_versions_are_compared_word_by_word(shell: Shell) -> None:
    _adds(shell)

    said = shell("prompt", "diff", *MK, "--from", 1)

    assert "每个[-数值-]{+剂量+}都要" in said.out
    assert len(said.out) < len(EDITED) / 2, "lines that both have are left out"
    assert shell("prompt", "diff", *MK).out == said.out
    pieces = shell("prompt", "diff", *MK, "--from", 1, "--to", 2, "--json").json["pieces"]
    assert "".join(one["text"] for one in pieces if one["kind"] != "removed") == EDITED


def test_a_preview_is_filled_for_each_question_with_an_estimate_of_tokens(shell: Shell) -> None:
    shown = shell(
        "prompt", "preview", "--dataset", "ward", "--question", "MK:1:2", "--question", "MSE:1:1",
        "--model", "willow", "--json",
    ).json["previews"]  # fmt: skip

    assert [(one["question"], one["model"]) for one in shown] == [
        ("MK:1:2", "willow"), ("MSE:1:1", "willow"),
    ]  # fmt: skip
    assert WILLOW["MK:1:1"] in shown[0]["text"]
    assert WILLOW["MSE:1:1"] in shown[1]["text"]
    assert all(one["tokens"] > 500 for one in shown)
    assert not any(f"{{{name}}}" in shown[0]["text"] for name in PLACEHOLDERS)


def test_a_text_is_previewed_before_it_is_stored(shell: Shell) -> None:
    file = shell.folder / "edited.txt"

    said = shell("prompt", "preview", "--dataset", "ward", "--question", "MK:1:1", "--file", file)

    assert "每个剂量都要" in said.out
    assert said.out.startswith("=== MK:1:1 · cedar · about ")
    assert len(shell("prompt", "list", "--json").json["prompts"]) == 10


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        (("prompt", "show", *MK, "--version", "9"),
         ("unknown_prompt_version", {"category": "MK", "language": "zh", "version": 9,
                                     "newest": 1})),
        (("prompt", "add", *MK, "--file", "{folder}/bare.txt", "--reason", "r"),
         ("prompt_lacks", {"names": "{ticket}"})),
        (("prompt", "add", *MK, "--file", "{folder}/edited.txt", "--reason", " "),
         ("needs_reason", {})),
        (("activate", "--dataset", "ward", *MK, "--reason", "r"),
         ("no_judge", {"study": "ward"})),
        (("prompt", "preview", "--dataset", "ward", "--question", "MK:9:1"),
         ("unknown_question_key", {"dataset": "ward", "key": "MK:9:1"})),
        (("prompt", "preview", "--dataset", "ward", "--question", "MK:1:1", "--model", "pine"),
         ("unknown_response_of", {"key": "MK:1:1", "model": "pine", "sample": 1})),
        (("audit-judge", "--engine", "openai"), ("needs_model", {})),
        (("audit-judge", "--engine", "baseline", "--repeats", "1"), ("bad_repeats", {})),
        (("audit-judge", "--engine", "openai", "--model", "m", "--base-url", "judge.local"),
         ("bad_address", {"address": "judge.local"})),
    ],
)  # fmt: skip
def test_a_refusal_is_one_sentence_and_stores_nothing(shell: Shell, typed, error) -> None:
    shell.file(EDITED.replace("{ticket}", ""), "bare.txt")

    said = shell(*(str(one).replace("{folder}", str(shell.folder)) for one in typed))

    code, values = error
    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines()[-1] == f"attending: {sentence('en', f'error.{code}', **values)}"
    assert len(shell("prompt", "list", "--json").json["prompts"]) == 10


def test_a_version_is_put_to_use_after_saying_what_that_asks_for(shell: Shell) -> None:
    with OpenAIServer() as server:
        judge = ("judge", "--dataset", "ward", "--engine", "openai", "--model", "oak",
                 "--base-url", server.url, "--rounds", 2)  # fmt: skip
        assert shell(*judge).code == 0
        _adds(shell)
        use = ("activate", "--dataset", "ward", "--judge", "oak", *MK, "--reason", "r")

        before = shell(*use, "--dry-run", "--json").json
        assert shell("status", "--json").json["studies"][0]["judges"][0]["outstanding"] == 0
        after = shell(*use, "--later", "--json").json

        assert (before["adopted"], before["missing"]) == (0, 8)  # 4 responses, 2 rounds
        assert after == {"judge": "oak", "version": 2, "adopted": 0, "missing": 8, "job_id": None}
        assert shell("status", "--json").json["studies"][0]["judges"][0]["outstanding"] == 8
        assert shell(*judge, "--json").json["outstanding"] == 0


# --- audit --------------------------------------------------------------------------------------


def test_an_audit_reports_in_json_and_opens_no_database(tmp_path: Path) -> None:
    shell = Shell(tmp_path)

    said = shell("audit-judge", "--engine", "baseline", "--language", "en", "--limit", 5, "--json")

    assert said.json["attacks"] == 5
    assert said.json["all"]["moved"]["n"] == 5 * 3 * 2
    assert set(said.json["by_language"]) == {"en"}
    assert [one["language"] for one in said.json["plain"]] == ["en"] * 3
    assert "45 judgings of the illustrative sample's answers, asked of this machine" in said.err
    assert not shell.db.exists()


def test_an_audit_is_a_table_for_people(tmp_path: Path) -> None:
    said = Shell(tmp_path)("audit-judge", "--engine", "baseline", "--limit", 10)

    assert said.code == 0
    assert "baseline: 10 attacks on 6 answers of the illustrative sample." in said.out
    assert said.out.endswith("Nothing was stored.\n")


def test_an_audit_uses_the_prompts_of_a_studys_judge(shell: Shell) -> None:
    edited = shell.file(
        (ROOT / "data" / "prompts" / "zh" / "MR.txt").read_text(encoding="utf-8") + "另。\n",
        "mr.txt",
    )
    with OpenAIServer() as server:
        options = ("--engine", "openai", "--model", "oak", "--base-url", server.url)
        assert shell("judge", "--dataset", "ward", *options).code == 0
        place = ("--category", "MR", "--language", "zh")
        assert shell("prompt", "add", *place, "--file", edited, "--reason", "r").code == 0
        use = ("activate", "--dataset", "ward", *place, "--later", "--reason", "r")
        assert shell(*use).code == 0
        asked = len(server.received)

        audit = ("audit-judge", *options, "--language", "zh", "--limit", 1, "--repeats", 2)
        assert shell(*audit, "--dataset", "ward").code == 0
        own = [one.prompt for one in server.received[asked:]]
        assert shell(*audit).code == 0

        assert sum("另。" in prompt for prompt in own) == 4
        shipped = [one.prompt for one in server.received[asked + len(own) :]]
        assert not any("另。" in prompt for prompt in shipped)


def test_an_audit_of_an_endpoint_that_refuses_is_one_sentence(tmp_path: Path) -> None:
    with OpenAIServer() as server:
        server.fails(Fault(status=401, code="invalid_api_key"))
        said = Shell(tmp_path)(
            "audit-judge", "--engine", "openai", "--model", "oak", "--base-url", server.url
        )

    assert (said.code, said.out) == (2, "")
    told = sentence("en", "error.wrong_key", host=f"127.0.0.1:{server.port}")
    assert said.err.splitlines()[-1] == f"attending: {told}"


def test_a_category_of_ones_own_has_its_prompt_and_takes_another(shell: Shell) -> None:
    header = "question_id,category,question,model,response"
    table = shell.file(f"{header}\n1,急诊,胸痛首选检查？,cedar,先做心电图。\n", "mine.csv")
    assert shell("import", "table", table, "--name", "emergency").code == 0
    own = ("--category", "急诊", "--language", "zh")
    general = (ROOT / "data" / "prompts" / "zh" / "general.txt").read_text(encoding="utf-8")

    assert shell("prompt", "show", *own).out == f"{general}\n"
    file = shell.file(f"从严。\n{general}", "own.txt")
    added = shell("prompt", "add", *own, "--file", file, "--reason", "time", "--json")
    assert added.json == {"category": "急诊", "language": "zh", "version": 2}
    wrong = shell("prompt", "show", "--category", "儿科", "--language", "zh")
    assert wrong.code == 2
    assert "categories are MK, MLU, MR, MSE, MTG, 急诊" in wrong.err

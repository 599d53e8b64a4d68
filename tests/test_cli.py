"""The command line: every command is there, speaks one sentence, prints JSON, does the loop."""

import getpass
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psutil
import pytest
from click.testing import CliRunner

from core.cli import main
from core.engines.catalogue import ENGINES
from core.errors import AttendingError
from core.i18n import error_sentence, sentence
from core.services.opening import ensure_workbench
from core.store import jobs, schema
from core.store.database import opened
from tests.openai_server import PROSE, Fault, OpenAIServer, saying
from tests.workbench import CEDAR, QUESTIONS, WILLOW, changed, five_keys

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object that was printed."""
        assert self.code == 0, self.err
        return json.loads(self.out)


class Shell:
    """Runs commands on one database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db = folder / "workbench.db"
        self.env = {"ATTENDING_DB": str(self.db), "ATTENDING_USER": "Dr Lead"}

    def __call__(self, *arguments: object, **env: str | None) -> Said:
        """Run a command in this process."""
        done = CliRunner().invoke(main, [str(one) for one in arguments], env={**self.env, **env})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(done.exit_code, done.stdout, done.stderr)

    def process(self, *arguments: object) -> Said:
        """Run `python -m core …`."""
        environment = {k: v for k, v in os.environ.items() if k != "OPENAI_API_KEY"}
        done = subprocess.run(
            [sys.executable, "-m", "core", *map(str, arguments)],
            cwd=ROOT, env={**environment, **self.env}, capture_output=True, text=True,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def file(self, content: object, name: str) -> Path:
        """A file with a text, or with JSON."""
        path = self.folder / name
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell with an empty database of its own."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return Shell(tmp_path)


@pytest.fixture
def study(shell: Shell) -> Shell:
    """The small study with the responses of two models."""
    file = shell.file(five_keys(QUESTIONS), "ward.json")
    assert shell("import", "llmeval-med", file, "--name", "ward").code == 0
    for model, answers in (("cedar", CEDAR), ("willow", WILLOW)):
        added = {key: {"model_answer": answer} for key, answer in answers.items()}
        file = shell.file(five_keys(QUESTIONS, added), f"{model}.json")
        done = shell("import", "responses", file, "--dataset", "ward", "--model", model)
        assert done.code == 0
    return shell


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    """An OpenAI-compatible endpoint on this machine."""
    with OpenAIServer() as server:
        yield server


def _commands(group: click.Group, *names: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, *names, name)
        else:
            yield (*names, name)


COMMANDS = list(_commands(main))
READING = {
    ("personal-data",), ("worker",), ("agreement",), ("status",), ("export", "llmeval-med"),
    ("user", "list"), ("audit-judge",), ("export", "cases"), ("export", "table"),
    ("report",), ("backup",), ("physicians",), ("search",),
    ("jury", "list"), ("leaderboard",),
    *(("prompt", name) for name in ("list", "show", "diff", "preview")),
    ("assign", "list"), ("assign", "plan"), ("manual", "show"),
    ("question-audit", "show"), ("scores-of",), ("shift",), ("export", "table"),
    ("seal", "show"), ("judge-card", "export"),
    ("import", "guess"), ("exam", "report"), ("exam", "places"), ("exam", "unread"),
    ("exam", "rapid"), ("metrics",), ("rubric", "score"), ("rubric", "agreement"),
    ("export", "medbench"), ("export", "cmb"),
}  # fmt: skip


# --- every command ----------------------------------------------------------------------------


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(shell: Shell, names: tuple[str, ...]) -> None:
    said = shell(*names, "--help")

    assert (said.code, said.err) == (0, "")
    assert f"{' '.join(names)} [OPTIONS]" in said.out
    if names != ("schema",):
        assert "--db" in said.out
        assert "ATTENDING_DB" in said.out
        assert "--json" in said.out
        assert ("--as" in said.out) is (names not in READING)
    assert not shell.db.exists()


@pytest.mark.parametrize(
    "group",
    [
        (),
        ("import",),
        ("assign",),
        ("manual",),
        ("revise",),
        ("export",),
        ("question-audit",),
        ("prompt",),
        ("jury",),
        ("seal",),
        ("judge-card",),
    ],
    ids=str,
)
def test_every_group_lists_its_commands(shell: Shell, group: tuple[str, ...]) -> None:
    said = shell(*group, "-h")

    assert said.code == 0
    names = {names[len(group)] for names in COMMANDS if names[: len(group)] == group}
    assert all(name in said.out for name in names)


def test_the_module_is_the_command_line(shell: Shell) -> None:
    assert shell.process("init").code == 0

    said = shell.process("status")

    assert (said.code, said.out, said.err) == (0, "No studies yet: import a benchmark.\n", "")


def test_a_command_that_reads_creates_no_database(shell: Shell) -> None:
    said = shell("status")

    assert (said.code, said.out) == (2, "")
    assert f"There is no database at {shell.db}; create it" in said.err
    assert not shell.db.exists()


def test_the_schema_is_printed_without_a_database(shell: Shell) -> None:
    said = shell("schema")

    assert said.out == schema.document()
    assert "## table `assessment` · append-only" in said.out
    assert not shell.db.exists()


# --- errors -----------------------------------------------------------------------------------

#: What is typed, and the error that is told; {folder} is the folder of the files.
REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "status --dataset attic": ("unknown_dataset", {"name": "attic", "known": "ward"}),
    "import llmeval-med {folder}/none.json": ("no_file", {"file": "{folder}/none.json"}),
    "import llmeval-med {folder}/notes.txt": (
        "not_json",
        {"file": "notes.txt", "line": 1, "column": 1, "problem": "Expecting value"},
    ),
    "import responses {folder}/cedar.json --dataset attic --model m": (
        "unknown_dataset", {"name": "attic", "known": "ward"},
    ),
    "import responses {folder}/ward.json --dataset ward --model m": (
        "no_answers", {"file": "ward.json", "field": "model_answer"},
    ),
    "import scores {folder}/notes.csv --dataset ward": (
        "missing_column",
        {"file": "notes.csv", "field": "question", "known": "key, physician, model, score"},
    ),
    "personal-data --dataset attic": ("unknown_dataset", {"name": "attic", "known": "ward"}),
    "release --dataset ward --host h --purpose p --basis=": ("needs_reason", {}),
    "judge --dataset ward --engine opena": (
        "unknown_engine", {"name": "opena", "known": ", ".join(ENGINES), "near": "openai"},
    ),
    "judge --dataset ward --engine openai": ("needs_model", {}),
    "judge --dataset ward --engine openai --model m": (
        "release_required", {"dataset": "ward", "host": "api.openai.com"},
    ),
    "judge --dataset ward --engine openai --model m --base-url judge.local": (
        "bad_address", {"address": "judge.local"},
    ),
    "judge --dataset ward --engine baseline --rounds 0": ("bad_rounds", {}),
    "judge --dataset ward --engine baseline --concurrency 0": ("bad_concurrency", {"most": 1024}),
    "cancel 99": ("unknown_job", {"id": 99}),
    "score --dataset ward --question MK-1 --model cedar --score 4": ("bad_key", {"key": "MK-1"}),
    "score --dataset ward --question MK:9:1 --model cedar --score 4": (
        "unknown_question_key", {"key": "MK:9:1", "dataset": "ward"},
    ),
    "score --dataset ward --question MK:1:1 --model pine --score 4": (
        "unknown_model", {"name": "pine", "known": "cedar, willow"},
    ),
    "score --dataset ward --question MK:1:1 --model cedar --sample 2 --score 4": (
        "unknown_response_of", {"key": "MK:1:1", "model": "cedar", "sample": 2},
    ),
    "score --dataset ward --question MK:1:1 --model cedar --score 6": (
        "score_outside_scale", {"score": 6, "minimum": 1, "maximum": 5},
    ),
    "agreement --dataset ward": ("no_judge", {"study": "ward"}),
    "agreement --dataset ward --judge oak": ("no_judge", {"study": "ward"}),
    "revise checklist --dataset ward --question MK:9:1 --file {folder}/notes.txt --reason r": (
        "unknown_question_key", {"key": "MK:9:1", "dataset": "ward"},
    ),
    "revise checklist --dataset ward --question MK:1:1 --file {folder}/none.txt --reason r": (
        "no_file", {"file": "{folder}/none.txt"},
    ),
    "revise checklist --dataset ward --question MK:1:1 --file {folder}/notes.txt --reason=": (
        "needs_reason", {},
    ),
    "export llmeval-med --dataset ward --model cedar --out {folder}/o.json": (
        "no_judge", {"study": "ward"},
    ),
    "export llmeval-med --dataset ward --model cedar --round two --out {folder}/o.json": (
        "bad_round", {"round": "two"},
    ),
    "export llmeval-med --dataset ward --model pine --out {folder}/o.json": (
        "unknown_model", {"name": "pine", "known": "cedar, willow"},
    ),
    "reveal --dataset ward --when never --reason=": ("needs_reason", {}),
    "status --db {folder}/notes.txt": ("not_a_database", {"path": "{folder}/notes.txt"}),
    "init --db {folder}/notes.txt/workbench.db": (
        "cannot_open", {"path": "{folder}/notes.txt/workbench.db", "problem": "File exists"},
    ),
}  # fmt: skip


def _told(code: str, **values: Any) -> str:
    """The one line that an error is told in."""
    return f"attending: {error_sentence('en', AttendingError(code, **values))}\n"


@pytest.mark.parametrize("typed", REFUSED)
def test_a_refusal_is_one_sentence_on_stderr_and_status_2(study: Shell, typed: str) -> None:
    study.file("some notes", "notes.txt")
    study.file("key,physician,model,score\nMK:1:1,Dr Lin,cedar,4\n", "notes.csv")
    before = _row_counts(study.db)

    said = study(*typed.format(folder=study.folder).split())

    code, values = REFUSED[typed]
    filled = {
        name: value.format(folder=study.folder) if isinstance(value, str) else value
        for name, value in values.items()
    }
    assert (said.code, said.out, said.err) == (2, "", _told(code, **filled))
    assert said.err.count("\n") == 1
    assert _row_counts(study.db) == before


@pytest.mark.parametrize(
    "typed",
    ["judge", "nonsense", "judge --dataset ward --engine baseline --limit 0",
     "reveal --dataset ward --when later --reason r", "cancel one",
     "score --dataset ward --question MK:1:1 --model cedar --score 4.5"],
)  # fmt: skip
def test_a_mistyped_command_is_refused_by_its_usage(study: Shell, typed: str) -> None:
    said = study(*typed.split())

    assert (said.code, said.out) == (2, "")
    assert "Usage:" in said.err


def test_a_refusal_in_json_mode_leaves_stdout_empty(study: Shell) -> None:
    said = study("agreement", "--dataset", "ward", "--json")

    assert (said.code, said.out) == (2, "")


def test_a_refusal_of_the_real_process_has_no_traceback(study: Shell) -> None:
    said = study.process("status", "--dataset", "attic")

    assert (said.code, said.out, said.err) == (
        2,
        "",
        _told("unknown_dataset", name="attic", known="ward"),
    )


def _row_counts(path: Path) -> dict[str, int]:
    with opened(path) as store:
        return {name: store.value(f"SELECT count(*) FROM {name}") for name in store.table_names()}


# --- which database, and who ------------------------------------------------------------------


def test_the_database_is_named_by_option_before_environment(shell: Shell) -> None:
    other = shell.folder / "other.db"

    assert shell("init", "--db", other, "--json").json == {"database": str(other), "sample": False}
    assert (other.exists(), shell.db.exists()) == (True, False)
    assert shell("init").out == f"Database ready: {shell.db}\n"
    assert shell.db.exists()


def test_who_does_it_is_an_option_then_the_environment_then_the_system_user(study: Shell) -> None:
    for number, (option, env) in enumerate(
        [(("--as", "Dr Lin"), "Dr Env"), ((), "Dr Env"), ((), None)], 1
    ):
        typed = ["reveal", "--dataset", "ward", "--when", "never", "--reason", f"test {number}"]
        assert study(*typed, *option, ATTENDING_USER=env).code == 0

    with opened(study.db) as store:
        authors = store.rows("SELECT created_by FROM study_setting ORDER BY id")
    assert [author for (author,) in authors] == ["Dr Lead", "Dr Lin", "Dr Env", getpass.getuser()]


def test_a_physician_scores_under_their_own_name(study: Shell) -> None:
    typed = ["score", "--dataset", "ward", "--question", "MK:1:1", "--model", "cedar"]
    first = study(*typed, "--score", 4, "--phase", "blind", "--as", "Dr Lin", "--json")
    again = study(*typed, "--score", 4, "--phase", "blind", "--as", "Dr Lin")
    changed_mind = study(*typed, "--score", 2, "--as", "Dr Lin")
    corrected = study(
        *typed, "--score", 2, "--as", "Dr Lin", "--reason", "dose", "--safety-risk",
        "--comment", "20 mg", "--phase", "blind",
    )  # fmt: skip

    assert first.json == {"question": "MK:1:1", "model": "cedar", "score": 4, "new": True}
    assert again.out == "MK:1:1, cedar: 4 was recorded already.\n"
    assert (changed_mind.code, corrected.out) == (
        2,
        "MK:1:1, cedar: scored 2 by Dr Lin (blind).\n",
    )
    with opened(study.db) as store:
        rows = store.rows(
            "SELECT person.name, value, phase, rationale, safety_risk, reason"
            " FROM human_assessment JOIN person ON person.id = person_id"
        )
    assert [tuple(row) for row in rows] == [
        ("Dr Lin", 4, "blind", "", None, ""),
        ("Dr Lin", 2, "blind", "20 mg", 1, "dose"),
    ]


# --- judging ----------------------------------------------------------------------------------


def test_a_failed_judging_says_what_is_left_and_ends_with_2(
    study: Shell, server: OpenAIServer
) -> None:
    server.fails(Fault(status=401))
    typed = ["judge", "--dataset", "ward", "--engine", "openai", "--model", "oak",
             "--base-url", server.url, "--concurrency", 2]  # fmt: skip

    failed = study(*typed)
    server.recovers()
    resumed = study(*typed)

    assert (failed.code, failed.out) == (
        2,
        "oak: 0 judged, 0 unscored, 42 outstanding, 0 responses absent.\n",
    )
    assert failed.err == _told("wrong_key", host=f"127.0.0.1:{server.port}")
    assert (resumed.code, resumed.out, resumed.err) == (
        0, "oak: 42 judged, 0 unscored, 0 outstanding, 0 responses absent.\n", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "code", "values"),
    [
        (Fault(status=401), "wrong_key", {}),
        (Fault(status=404), "endpoint_unknown_model", {"model": "oak"}),
        (Fault(status=503), "endpoint_status", {"status": 503}),
        (Fault(status=307), "endpoint_status", {"status": 307}),
        (Fault(body="{}"), "endpoint_empty", {}),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_every_fault_of_an_endpoint_has_its_sentence(
    study: Shell, server: OpenAIServer, fault: Fault, code: str, values: dict[str, Any]
) -> None:
    server.fails(fault)

    said = study("judge", "--dataset", "ward", "--engine", "openai", "--model", "oak",
                 "--base-url", server.url, "--concurrency", 1)  # fmt: skip

    assert (said.code, said.err) == (2, _told(code, host=f"127.0.0.1:{server.port}", **values))


@pytest.mark.usefixtures("impatient")
def test_calls_that_were_given_up_are_counted(study: Shell, server: OpenAIServer) -> None:
    server.fails(Fault(status=500), when=lambda prompt: CEDAR["MR:1:1"] in prompt)

    said = study("judge", "--dataset", "ward", "--engine", "openai", "--model", "oak",
                 "--base-url", server.url, "--rounds", 1, "--json")  # fmt: skip

    assert said.code == 2
    assert json.loads(said.out) == {
        "job": 1, "state": "failed", "judge": "oak", "asked": 13, "same_judge_as": [],
        "judged": 13, "unscored": 0, "outstanding": 1, "absent": 0,
    }  # fmt: skip
    assert said.err == _told("calls_failed", count=1)


def test_limits_of_calls_and_tokens_are_kept_and_are_no_part_of_the_judge(
    study: Shell, server: OpenAIServer
) -> None:
    typed = ["judge", "--dataset", "ward", "--engine", "openai", "--model", "oak",
             "--base-url", server.url, "--limit", 4]  # fmt: skip

    slow = study(*typed, "--rpm", 1200, "--tpm", 9_000_000)
    quick = study(*typed)
    wrong = study(*typed, "--rpm", 0)

    assert (slow.code, quick.code, wrong.code) == (0, 0, 2)
    times = [one.at for one in server.received[:4]]
    assert times[-1] - times[0] >= 3 * 0.05 - 0.02


def test_limits_are_kept_when_answers_are_generated(study: Shell, server: OpenAIServer) -> None:
    said = study("generate", "--dataset", "ward", "--engine", "openai", "--model", "elm",
                 "--base-url", server.url, "--rpm", 1200, "--tpm", 9_000_000)  # fmt: skip

    assert said.code == 0
    times = [one.at for one in server.received]
    assert times[-1] - times[0] >= (len(times) - 1) * 0.05 - 0.02


def test_what_is_unscored_is_asked_again_on_demand(study: Shell, server: OpenAIServer) -> None:
    typed = ["judge", "--dataset", "ward", "--engine", "openai", "--model", "oak",
             "--base-url", server.url, "--rounds", 1, "--json"]  # fmt: skip
    server.fails(PROSE, when=lambda prompt: CEDAR["MR:1:1"] in prompt)
    assert study(*typed).json["unscored"] == 1
    server.recovers()

    assert study(*typed).json["unscored"] == 1
    assert study(*typed, "--retry-unscored").json["unscored"] == 0
    assert len(server.received) == 14 + 1 + 1


def test_the_same_configuration_under_another_name_is_said_to_be_the_same_judge(
    study: Shell, server: OpenAIServer
) -> None:
    judging = ["judge", "--dataset", "ward", "--engine", "openai", "--model", "oak",
               "--rounds", 1, "--base-url", server.url]  # fmt: skip
    study(*judging)
    asked = len(server.received)

    said = study(*judging, "--judge", "acorn")

    assert len(server.received) == asked
    assert sentence("en", "cli.twins", judges="oak", asked=0) in said.out
    other = study(*judging, "--judge", "leaf", "--max-tokens", 900, "--json")
    assert (other.json["same_judge_as"], other.json["asked"]) == ([], 14)


def test_a_judge_needs_a_model_where_it_reads_a_prompt(study: Shell) -> None:
    for engine in ("openai", "huggingface"):
        said = study("judge", "--dataset", "ward", "--engine", engine)

        assert (said.code, said.err) == (2, _told("needs_model"))


def test_temperature_and_tokens_are_part_of_the_judge(study: Shell, server: OpenAIServer) -> None:
    typed = ["judge", "--dataset", "ward", "--engine", "openai", "--model", "oak",
             "--base-url", server.url, "--limit", 1]  # fmt: skip

    study(*typed, "--temperature", 0, "--max-tokens", 512)
    taken = study(*typed)

    [asked] = [one.parameters for one in server.received]
    assert (asked["temperature"], asked["max_tokens"]) == (0.0, 512)
    assert (taken.code, taken.err) == (2, _told("judge_name_taken", name="oak"))


def test_a_queued_order_is_done_by_a_worker_that_starts_by_itself(study: Shell) -> None:
    said = study.process("judge", "--dataset", "ward", "--engine", "baseline", "--queue", "--json")

    assert said.json == {"job": 1}
    with opened(study.db) as store:
        until = time.monotonic() + 30
        while jobs.job_by_id(store, 1).state != "done" and time.monotonic() < until:
            time.sleep(0.05)
        [worker] = jobs.workers(store)
        psutil.Process(worker.pid).kill()
        assert jobs.job_by_id(store, 1).done == 14
    assert (study.db.with_suffix(".worker.log")).read_bytes() == b""


def test_a_cancelled_job_is_not_done(study: Shell) -> None:
    with opened(study.db) as store, store.writing():
        study_id = store.value("SELECT id FROM study")
        jobs.add_job(store, "judge", "cpu", "test", study_id, {}, by="Dr Lead")

    assert study("cancel", 1).out == "Job 1 was asked to stop.\n"
    with opened(study.db) as store:
        assert jobs.job_by_id(store, 1).state == "cancelled"


# --- the sample -------------------------------------------------------------------------------


def test_the_sample_is_there_with_one_command_and_only_once(shell: Shell) -> None:
    first, second = (shell("init", "--sample", "--json").json for _ in range(2))

    assert (first["sample"], second["sample"]) == (True, False)
    [survey] = shell("status", "--json").json["studies"]
    assert {
        name: survey[name]
        for name in ("study", "questions", "conversations", "models", "present", "absent",
                     "human_scores", "physicians", "jobs")
    } == {
        "study": "sample", "questions": 33, "conversations": 27, "models": 2, "present": 66,
        "absent": 0, "human_scores": 88, "physicians": 2, "jobs": 0,
    }  # fmt: skip
    [judge] = survey["judges"]
    assert (judge["judge"], judge["judged"], judge["outstanding"]) == ("baseline", 66, 0)


# --- the whole loop ---------------------------------------------------------------------------


def test_the_whole_loop(shell: Shell, server: OpenAIServer) -> None:
    """Import, responses, judge, score, agreement, revise, judge again, export: each in JSON."""
    ward = shell.file(five_keys(QUESTIONS), "ward.json")
    done = shell("import", "llmeval-med", ward, "--name", "ward", "--json").json
    assert (done["dataset"], done["added"], done["unchanged"]) == ("ward", 7, 0)
    done = shell("import", "llmeval-med", ward, "--name", "ward", "--json").json
    assert (done["added"], done["changed"], done["unchanged"]) == (0, 0, 7)

    for model, answers in (("cedar", CEDAR), ("willow", WILLOW)):
        rows = [{"question": key, "response": answer} for key, answer in answers.items()]
        file = shell.file("\n".join(map(json.dumps, rows)), f"{model}.jsonl")
        done = shell("import", "responses", file, "--dataset", "ward", "--model", model, "--json")
        assert (done.json["added"], done.json["absent"]) == (7, 0)

    judging = ["judge", "--dataset", "ward", "--engine", "openai", "--model", "oak",
               "--rounds", 1, "--temperature", 0, "--base-url", server.url, "--json"]  # fmt: skip
    server.fails(PROSE, when=lambda prompt: CEDAR["MTG:1:1"] in prompt)
    server.fails(saying(5), when=lambda prompt: "\n1. 写明 15 mg" in prompt)
    server.fails(saying(1), when=lambda prompt: "不写剂量" in prompt)
    assert shell(*judging).json == {
        "job": 1, "state": "done", "judge": "oak", "asked": 14, "same_judge_as": [],
        "judged": 13, "unscored": 1, "outstanding": 0, "absent": 0,
    }  # fmt: skip
    assert shell(*judging).json["job"] == 2
    assert len(server.received) == 15  # what can't be read is asked once more

    for model, score in (("cedar", 5), ("willow", 1)):
        done = shell("score", "--dataset", "ward", "--question", "MK:1:2", "--model", model,
                     "--score", score, "--phase", "blind", "--as", "Dr Lin", "--json")  # fmt: skip
        assert done.json["new"] is True
    csv = "question,model,physician,score,phase\nMTG:1:1,cedar,Dr Weber,4,blind\n"
    done = shell("import", "scores", shell.file(csv, "s.csv"), "--dataset", "ward", "--json")
    assert done.json["added"] == 1

    [pairing] = shell("agreement", "--dataset", "ward", "--by", "category", "--json").json[
        "pairings"
    ]
    assert (pairing["judge"], pairing["n"], pairing["cases"], pairing["unscored"]) == (
        "oak", 2, 3, 1,
    )  # fmt: skip
    assert (pairing["agreement"], pairing["table"]) == (0.5, [[0, 1], [0, 1]])
    # Nobody flagged a safety risk, and there is one physician alone.
    assert pairing["undefined"] == {"missed_risk": "no_pairs", "krippendorff_alpha": "no_pairs"}
    assert [one["category"] for one in pairing["groups"]] == ["MK", "MTG"]

    checklist = shell.file("核心需求：\n1. 不写剂量的回答不可用\n", "checklist.txt")
    revising = ["revise", "checklist", "--dataset", "ward", "--question", "MK:1:2",
                "--file", checklist, "--reason", "passed a wrong dose"]  # fmt: skip
    done = shell(*revising, "--json")
    assert done.json == {
        "question": "MK:1:2", "version": 2, "outstanding": {"oak": 2}, "stale": 0,
    }  # fmt: skip
    assert shell(*revising).err == _told("nothing_changed", key="MK:1:2")
    assert shell(*judging).json["judged"] == 13
    assert len(server.received) == 17

    out = shell.folder / "out.json"
    done = shell("export", "llmeval-med", "--dataset", "ward", "--model", "cedar",
                 "--out", out, "--json")  # fmt: skip
    assert done.json == {
        "file": str(out),
        "judge": "oak",
        "questions": 7,
        "scored": 6,
        "unscored": 1,
    }
    records = json.loads(out.read_text(encoding="utf-8"))
    assert records["医疗知识"][1]["model_answer_score"] == "1"
    assert records["医疗文本生成"][0]["model_answer_unscored"] == "no_verdict"

    [survey] = shell("status", "--dataset", "ward", "--json").json["studies"]
    assert (survey["next"], survey["judges"][0]["unscored_because"]) == (
        "score",
        {"no_verdict": 1},
    )
    assert shell("release", "--dataset", "ward", "--host", "judge.example.org", "--purpose", "p",
                 "--basis", "b", "--json").json == {
        "dataset": "ward", "host": "judge.example.org",
    }  # fmt: skip
    assert shell("personal-data", "--dataset", "ward", "--json").json == {
        "dataset": "ward",
        "findings": [],
    }


def test_the_same_loop_speaks_sentences(study: Shell) -> None:
    judged = study("judge", "--dataset", "ward", "--engine", "baseline")
    for key in ("MLU:1:1", "MLU:2:1"):
        for model, score in (("cedar", 5), ("willow", 1)):
            study("score", "--dataset", "ward", "--question", key, "--model", model,
                  "--score", score, "--phase", "blind")  # fmt: skip

    assert judged.out == "baseline: 14 judged, 0 unscored, 0 outstanding, 0 responses absent.\n"
    assert study("agreement", "--dataset", "ward").out.startswith(
        "baseline: usable/unusable n 4, agreement 1.000"
    )
    by_model = study("agreement", "--dataset", "ward", "--by", "model").out.splitlines()
    assert [line.split(":")[0] for line in by_model] == ["baseline", "  cedar", "  willow"]
    assert "κ – (undefined: no variation)" in by_model[1]
    assert study("status").out.splitlines() == [
        "ward: 7 questions in 6 conversations, 2 models, 14 responses (0 absent), "
        "4 scores by 1 physicians",
        "  baseline: 14 judged, 0 unscored, 0 outstanding (1 rounds); 0 false usable",
    ]
    assert study("personal-data", "--dataset", "ward").out == "Nothing looked like personal data.\n"


def test_a_checklist_that_an_editor_saved_is_the_same_text(study: Shell) -> None:
    """Editors end a file with a newline; the imported text has none."""
    same = study.file(QUESTIONS["MK:1:1"]["checklist"] + "\n", "same.txt")

    said = study("revise", "checklist", "--dataset", "ward", "--question", "MK:1:1",
                 "--file", same, "--reason", "none")  # fmt: skip

    assert (said.code, said.err) == (2, _told("nothing_changed", key="MK:1:1"))


def test_an_import_over_a_dataset_says_why_texts_changed(study: Shell) -> None:
    file = study.file(five_keys(changed("MR:1:1", sanswer="An ECG.")), "ward.json")

    said = study("import", "llmeval-med", file, "--name", "ward", "--reason", "typo")

    assert said.out == ("ward: 0 questions added, 1 changed, 6 unchanged.\n")
    with opened(study.db) as store:
        assert store.value("SELECT reason FROM criteria WHERE version = 2") == "typo"


def test_personal_data_is_listed_by_place(shell: Shell) -> None:
    file = shell.file(five_keys(changed("MTG:1:1", problem="电话 13812345678。")), "ward.json")
    shell("import", "llmeval-med", file, "--name", "ward")

    said = shell("personal-data", "--dataset", "ward")

    assert said.out == "MTG:1:1\tquestion\tphone\t3+11\n"


def test_two_processes_may_create_the_database_at_once(shell: Shell) -> None:
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "core", "init", "--db", str(shell.db)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip

    said = [one.communicate() for one in commands]

    assert [one.returncode for one in commands] == [0, 0, 0], said
    ensure_workbench(shell.db)
    with opened(shell.db) as store:
        assert store.value("SELECT count(*) FROM judge_prompt") == 10


def test_the_command_line_speaks_the_language_that_is_asked_for(study: Shell) -> None:
    refused = ("agreement", "--dataset", "nowhere")
    chinese = {"ATTENDING_LANG": None, "LC_ALL": "zh_CN.UTF-8"}
    assert study("--lang", "zh", "status").out.startswith("ward：6 段对话共 7 道题目")
    assert study("--lang", "zh", *refused).err.startswith("attending: 没有名为 nowhere 的数据集")
    assert study(*refused, **chinese).err.startswith("attending: 没有名为 nowhere 的数据集")
    assert "nowhere" in study("--lang", "en", *refused, **chinese).err
    assert "没有" not in study("--lang", "en", *refused, **chinese).err

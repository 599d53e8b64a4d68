"""What the command line says about money."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.cli import main
from tests.openai_server import OpenAIServer
from tests.workbench import CEDAR, WILLOW, workbench_in

OAK = '[model."oak*"]\ncurrency = "USD"\nprompt = 2\nreply = 8\nbatch_discount = 0.5\n'


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small study with the responses of two models, and a price file that knows oak."""
    prices = tmp_path / "prices.toml"
    prices.write_text(OAK, encoding="utf-8")
    monkeypatch.setenv("ATTENDING_PRICES", str(prices))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with workbench_in(tmp_path) as study:
        study.imports()
        study.model_answers("cedar", CEDAR)
        study.model_answers("willow", WILLOW)
        return study.path


def told(database: Path, *arguments: str) -> Result:
    """Run a command on the database."""
    return CliRunner().invoke(main, [*arguments, "--db", str(database)], env={"USER": "lead"})


def judge(server: OpenAIServer, *more: str, model: str = "oak") -> list[str]:
    return [
        "judge", "--dataset", "ward", "--engine", "openai", "--model", model, "--rounds", "1",
        "--base-url", server.url, *more,
    ]  # fmt: skip


def test_a_dry_run_says_how_much_and_how_it_knows(database: Path) -> None:
    with OpenAIServer() as server:
        said = told(database, *judge(server, "--dry-run"))

        assert (said.exit_code, said.stderr, server.received) == (0, "", [])
    first, *lines = said.stdout.splitlines()
    assert first.startswith("oak: 14 verdicts outstanding; about ")
    assert first.endswith(" USD.")
    assert lines[0].startswith("  MK: 4 × (")
    assert lines[0].endswith(" tokens, guessed from 4 rendered prompts")
    assert lines[-2] == ("  price of oak*: 2 prompt, 2 cached, 8 reply per million tokens, in USD")
    assert lines[-1].startswith("An estimate. Guesses take 0.6 tokens for a Chinese character")


def test_a_dry_run_speaks_json_and_knows_no_cost_without_a_price(database: Path) -> None:
    with OpenAIServer() as server:
        said = told(database, *judge(server, "--dry-run", "--json", model="ash"))

    found = json.loads(said.stdout)
    assert (found["outstanding"], found["cost"], found["is_estimate"]) == (14, None, True)
    assert sum(part["outstanding"] for part in found["parts"]) == 14


def test_generation_is_reckoned_too(database: Path) -> None:
    said = told(
        database, "generate", "--dataset", "ward", "--engine", "openai", "--model", "oak",
        "--base-url", "http://127.0.0.1:1/v1", "--dry-run",
    )  # fmt: skip

    assert said.exit_code == 0
    assert said.stdout.startswith("oak: 7 responses outstanding; about ")


def test_status_tells_tokens_and_cost_by_judge_model_and_dataset(database: Path) -> None:
    with OpenAIServer() as server:
        first = told(database, *judge(server))
        told(database, *judge(server, model="ash"))
        said = told(database, "status")
        found = json.loads(told(database, "status", "--json").stdout)

    assert first.stdout.splitlines()[-1].startswith("This job: 14 calls, ")
    lines = said.stdout.splitlines()
    ash = next(line for line in lines if line.startswith("  ash: 14 calls"))
    oak = next(line for line in lines if line.startswith("  oak: 14 calls"))
    assert ash.endswith("reply tokens: cost unknown")
    assert oak.endswith(" USD")
    under_oak = lines[lines.index(oak) + 1 : lines.index(oak) + 3]
    assert [line.split(":")[0] for line in under_oak] == [
        "    on cedar in ward", "    on willow in ward",
    ]  # fmt: skip
    spent = found["studies"][0]["spending"]
    assert [(one["name"], one["model"], one["dataset"], one["calls"]) for one in spent] == [
        ("ash", "cedar", "ward", 7),
        ("ash", "willow", "ward", 7),
        ("oak", "cedar", "ward", 7),
        ("oak", "willow", "ward", 7),
    ]
    assert spent[0]["cost"] == {}
    assert spent[0]["calls_of_unknown_cost"] == 7
    assert list(spent[2]["cost"]) == ["USD"]


def test_a_job_that_reaches_its_budget_says_so_and_has_not_failed(database: Path) -> None:
    with OpenAIServer() as server:
        said = told(database, *judge(server, "--budget", "0.01"))

    assert said.exit_code == 0
    assert said.stderr.startswith("Stopped at its budget: 0.00")
    assert "of 0.01 USD" in said.stderr


def test_a_budget_without_a_price_is_refused_in_one_sentence(database: Path) -> None:
    with OpenAIServer() as server:
        said = told(database, *judge(server, "--budget", "1", model="ash"))

    assert (said.exit_code, server.received) == (2, [])
    assert said.stderr.startswith("attending: A budget needs a price, and ")
    assert said.stderr.count("\n") == 1

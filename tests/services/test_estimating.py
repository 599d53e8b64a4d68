"""Estimates: what is outstanding to the key, and tokens by what is known."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.pricing import guessed_tokens
from core.errors import ReleaseRequired
from core.services.estimating import Estimate, estimate_generation, estimate_judging
from core.services.ordering_generation import GenerateOrder, queue_generation
from core.worker.running import do_in_foreground
from tests.openai_server import OpenAIServer
from tests.workbench import Workbench, order_for

OAK = '[model.oak]\ncurrency = "USD"\nprompt = 2.0\nreply = 8.0\nbatch_discount = 0.5\n'


@pytest.fixture(autouse=True)
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A price file that knows oak."""
    path = tmp_path / "prices.toml"
    path.write_text(OAK, encoding="utf-8")
    monkeypatch.setenv("ATTENDING_PRICES", str(path))
    return path


def judging(study: Workbench, server: OpenAIServer, **options: object) -> Estimate:
    order = order_for(server, **options)
    return estimate_judging(study.store, study.study, order, by="Dr Lead")


def generation(study: Workbench, **options: object) -> Estimate:
    order = GenerateOrder("openai", "oak", "oak", {}, addresses=("http://127.0.0.1:1/v1",))
    return estimate_generation(study.store, study.study, replace(order, **options), by="Dr Lead")


def test_an_estimate_leaves_nothing_behind(study: Workbench, server: OpenAIServer) -> None:
    before = study.counts()

    judging(study, server, rounds=3)
    generation(study)

    assert study.counts() == before
    assert server.received == []


def test_before_the_first_call_real_prompts_are_measured_by_their_characters(
    study: Workbench, server: OpenAIServer
) -> None:
    found = judging(study, server, rounds=3)

    assert found.outstanding == 3 * 14
    assert {part.basis for part in found.parts} == {"characters"}
    assert sum(part.outstanding for part in found.parts) == 42
    study.endpoint_judges(server)
    guessed = guessed_tokens([request.prompt for request in server.received])
    assert found.tokens.prompt == pytest.approx(3 * guessed, abs=10)  # small: all were rendered
    assert found.tokens.reply == 42 * 500
    assert found.cost == pytest.approx((found.tokens.prompt * 2 + 42 * 500 * 8) / 1e6)


def test_a_limit_on_replies_limits_the_guess(study: Workbench, server: OpenAIServer) -> None:
    found = judging(study, server, parameters={"max_tokens": 100})

    assert found.tokens.reply == 14 * 100


def test_earlier_calls_of_the_judge_replace_the_guess(
    study: Workbench, server: OpenAIServer
) -> None:
    server.cached_tokens = 50
    study.endpoint_judges(server, rounds=2)

    found = judging(study, server, rounds=3)

    assert found.outstanding == 14
    by_category = {part.category: part for part in found.parts}
    mk = by_category["MK"]
    mean = study.value(
        "SELECT avg(prompt_tokens) FROM exchange JOIN response ON response.id = response_id"
        " JOIN question ON question.id = question_id WHERE category = 'MK'"
    )
    assert (mk.basis, mk.n, mk.cached_tokens) == ("past", 8, 50)
    assert mk.prompt_tokens == pytest.approx(mean)
    few = by_category["MR"]  # one question: four calls are too few to go by
    assert (few.basis, few.n) == ("characters", 2)


def test_another_prompt_is_not_measured_by_the_calls_of_the_old_one(
    study: Workbench, server: OpenAIServer
) -> None:
    study.endpoint_judges(server)

    found = judging(study, server, name="oak-2", parameters={"temperature": 1.0})

    assert {part.basis for part in found.parts} == {"characters"}


def test_what_is_judged_already_costs_nothing_more(study: Workbench, server: OpenAIServer) -> None:
    study.endpoint_judges(server)

    found = judging(study, server)

    assert (found.outstanding, found.parts, found.cost) == (0, (), 0.0)


def test_a_limit_is_shared_by_the_categories(study: Workbench, server: OpenAIServer) -> None:
    found = judging(study, server, limit=7)

    assert found.outstanding == sum(part.outstanding for part in found.parts) == 7


def test_without_a_price_the_cost_is_unknown(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    prices.write_text(OAK.replace("oak", "ash"), encoding="utf-8")

    found = judging(study, server)

    assert (found.price, found.cost) == (None, None)
    assert found.tokens.prompt > 0


def test_the_baseline_takes_no_tokens_and_no_money(study: Workbench, server: OpenAIServer) -> None:
    found = judging(study, server, engine="baseline", model="baseline", addresses=())

    assert (found.outstanding, found.tokens.prompt, found.tokens.reply) == (14, 0, 0)
    assert not found.is_billed


def test_what_must_not_be_sent_is_refused_before_it_is_reckoned(
    study: Workbench, server: OpenAIServer
) -> None:
    with pytest.raises(ReleaseRequired):
        judging(study, server, addresses=("https://elsewhere.example/v1",))


def test_a_conversation_is_sent_again_with_every_turn(study: Workbench) -> None:
    found = generation(study)

    by_category = {part.category: part for part in found.parts}
    assert found.outstanding == 7
    first, second = (
        guessed_tokens([study.value(f"SELECT question_text FROM criteria WHERE question_id = {n}")])
        for n in (study.question("MK:1:1").id, study.question("MK:1:2").id)
    )
    others = [
        guessed_tokens([study.value(f"SELECT question_text FROM criteria WHERE question_id = {n}")])
        for (n,) in study.rows(
            "SELECT id FROM question WHERE category = 'MK' AND key NOT LIKE 'MK:1:%'"
        )
    ]
    expected = [first, first + 500 + second, *others]
    assert by_category["MK"].prompt_tokens == pytest.approx(sum(expected) / len(expected))


def test_earlier_answers_replace_the_guess(study: Workbench, server: OpenAIServer) -> None:
    order = GenerateOrder(
        "openai", "oak", "oak", {"temperature": 1.0}, samples=5, addresses=(server.url,)
    )
    job_id = queue_generation(study.store, study.study, order, by="Dr Lead")
    assert do_in_foreground(study.path, job_id)

    found = estimate_generation(study.store, study.study, replace(order, samples=7), by="Dr Lead")

    assert found.outstanding == 2 * 7
    assert {part.basis for part in found.parts} == {"past"}
    prompt, reply = study.rows("SELECT sum(prompt_tokens), sum(reply_tokens) FROM generation")[0]
    assert found.tokens.prompt == pytest.approx(prompt * 2 / 5, abs=1)
    assert found.tokens.reply == pytest.approx(reply * 2 / 5, abs=1)

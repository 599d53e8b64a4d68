"""What was spent: tokens as they were stored, at the price that the job was started with."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.pricing import Spending, Tokens
from core.errors import BrokenFile, Refused
from core.services.spending import SpentOn, spending_of_job, spending_of_study, totals
from core.store import jobs
from tests.openai_server import PROSE, Fault, OpenAIServer
from tests.workbench import Workbench, order_for

OAK = '[model.oak]\ncurrency = "USD"\nprompt = 2.0\ncached_prompt = 0.5\nreply = 8.0\n'
FILTERED = Fault(status=400, code="content_filter")


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A price file that knows oak."""
    path = tmp_path / "prices.toml"
    path.write_text(OAK, encoding="utf-8")
    monkeypatch.setenv("ATTENDING_PRICES", str(path))
    return path


def stored(study: Workbench, column: str) -> int:
    return int(study.value(f"SELECT sum({column}) FROM exchange"))


def test_a_job_costs_its_stored_tokens_at_its_price(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    server.cached_tokens = 100
    job = study.endpoint_judges(server)

    prompt, reply = stored(study, "prompt_tokens"), stored(study, "reply_tokens")
    cost = ((prompt - 1400) * 2.0 + 1400 * 0.5 + reply * 8.0) / 1e6
    found = spending_of_job(study.store, job)
    assert found.tokens == Tokens(14, 0, prompt, 1400, reply)
    assert found.costs == (("USD", pytest.approx(cost)),)
    assert found.unpriced == 0


def test_without_a_price_the_cost_of_a_job_is_unknown(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    prices.write_text(OAK.replace("oak", "ash"), encoding="utf-8")

    found = spending_of_job(study.store, study.endpoint_judges(server))

    assert (found.costs, found.unpriced) == ((), 14)
    assert found.tokens.prompt == stored(study, "prompt_tokens")


def test_a_new_price_changes_no_past_cost(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    before = study.endpoint_judges(server, limit=6)
    cost = spending_of_job(study.store, before).costs

    prices.write_text(OAK.replace("2.0", "200.0"), encoding="utf-8")
    after = study.endpoint_judges(server)

    assert spending_of_job(study.store, before).costs == cost
    dearer = spending_of_job(study.store, after).costs[0][1]
    assert dearer > 10 * cost[0][1]


def test_a_job_that_goes_on_keeps_the_price_of_its_first_start(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    first = study.queues(order_for(server))
    prices.write_text(OAK.replace("2.0", "200.0"), encoding="utf-8")

    again = study.queues(order_for(server))

    assert again == first
    assert study.rows("SELECT job_id, prompt FROM job_price") == [(first, 2.0)]


def test_what_the_endpoint_does_not_count_has_an_unknown_cost(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    server.counts_tokens = False

    found = spending_of_job(study.store, study.endpoint_judges(server))

    assert found == Spending(Tokens(14, 14, 0, None, 0), (), 14)


def test_unreadable_replies_are_paid_for_and_filtered_ones_are_not_counted(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    server.fails(PROSE, times=3)
    server.fails(FILTERED, times=2)

    found = spending_of_job(study.store, study.endpoint_judges(server))

    assert found.tokens.uncounted == found.unpriced == 2
    assert found.tokens.calls == study.counts()["exchange"]
    assert found.tokens.reply == stored(study, "reply_tokens")


def test_a_study_names_each_judge_with_each_model_and_dataset(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    study.endpoint_judges(server, limit=5)
    study.endpoint_judges(server)
    study.endpoint_judges(server, model="ash")
    study.baseline_judges()

    lines = spending_of_study(study.store, study.study)

    assert [(one.who, one.dataset, one.model, one.is_billed) for one in lines] == [
        ("ash", "ward", "cedar", True),
        ("ash", "ward", "willow", True),
        ("baseline", "ward", "cedar", False),
        ("baseline", "ward", "willow", False),
        ("oak", "ward", "cedar", True),
        ("oak", "ward", "willow", True),
    ]
    assert [one.spending.tokens.calls for one in lines] == [7] * 6
    ash, baseline, oak = totals(lines)
    assert (ash.spending.costs, ash.spending.unpriced) == ((), 14)
    assert baseline.spending.tokens == Tokens(14, 14, 0, None, 0)
    assert isinstance(oak, SpentOn)
    assert oak.spending.tokens.prompt == int(
        study.value(
            "SELECT sum(prompt_tokens) FROM exchange JOIN job ON job.id = job_id"
            " WHERE json_extract(plan, '$.judge') = (SELECT id FROM judge WHERE name = 'oak')"
        )
    )
    assert [currency for currency, _ in oak.spending.costs] == ["USD"]


def test_the_sums_are_those_of_the_rows(study: Workbench, server: OpenAIServer) -> None:
    server.cached_tokens = 7
    server.fails(FILTERED, times=1)
    study.endpoint_judges(server)
    study.baseline_judges()

    columns = "job_id, rater_id, model_id, dataset_id, category"
    assert study.rows(f"SELECT * FROM job_tokens ORDER BY {columns}") == study.rows(
        f"SELECT {columns}, count(*), sum(prompt_tokens IS NULL),"
        " coalesce(sum(prompt_tokens), 0), sum(cached_tokens), coalesce(sum(reply_tokens), 0)"
        " FROM exchange JOIN response ON response.id = response_id"
        f" JOIN question ON question.id = question_id GROUP BY {columns} ORDER BY {columns}"
    )


def test_a_broken_price_file_refuses_what_is_billed_and_nothing_else(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    prices.write_text("[model.oak]\n", encoding="utf-8")

    with pytest.raises(BrokenFile):
        study.queues(order_for(server))
    assert study.counts()["judge"] == 0
    assert study.baseline_judges().state == "done"


# --- budgets ----------------------------------------------------------------------------------


def cost_of_all(study: Workbench) -> float:
    prompt, reply = stored(study, "prompt_tokens"), stored(study, "reply_tokens")
    return (prompt * 2.0 + reply * 8.0) / 1e6


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_job_ends_before_it_costs_more_than_its_budget(
    study: Workbench, server: OpenAIServer, prices: Path, concurrency: int
) -> None:
    job = study.endpoint_judges(server, budget=0.01, concurrency=concurrency)

    done = study.counts()["exchange"]
    assert 0 < done < 14
    assert 0 < cost_of_all(study) <= 0.01
    assert (job.state, job.error) == ("done", "budget_reached")
    assert job.error_values["outstanding"] == 14 - done
    assert job.error_values["budget"] == "0.01"
    assert job.error_values["currency"] == "USD"
    assert float(job.error_values["spent"]) == pytest.approx(cost_of_all(study), rel=0.1)


def test_a_budget_that_is_large_enough_changes_nothing(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    job = study.endpoint_judges(server, budget=5.0)

    assert (job.state, job.error, job.done) == ("done", "", 14)


def test_a_limit_on_replies_is_what_a_call_may_cost_at_most(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    # 1000 reply tokens at 8 a million: no call fits into 0.008
    order = replace(order_for(server), parameters={"max_tokens": 1000}, budget=0.008)
    job = study.does(order)

    assert (job.state, job.error, server.received) == ("done", "budget_reached", [])


def test_the_next_job_has_a_budget_of_its_own(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    jobs_done = 0
    while jobs_done < 14:
        job = study.endpoint_judges(server, budget=0.01)
        jobs_done += 1
        if not job.error:
            break

    assert 1 < jobs_done < 14
    assert study.counts()["assessment"] == 14
    assert len(server.received) == 14


def test_an_interrupted_job_counts_what_it_had_spent(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    order = replace(order_for(server), budget=0.03, concurrency=1)
    server.fails(Fault(status=401), when=lambda prompt: len(server.received) > 3)
    job = study.does(order)
    assert (job.state, job.done) == ("failed", 3)
    server.recovers()
    with study.store.writing():  # as after kill -9: nobody has ended it
        study.store.change("UPDATE job SET state = 'queued' WHERE id = ?", (job.id,))

    again = study.does(order)

    assert again.id == job.id
    assert again.error == "budget_reached"
    assert cost_of_all(study) <= 0.03
    assert study.counts()["exchange"] > 3


def test_second_questions_and_unreadable_replies_count(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    server.fails(PROSE)

    job = study.endpoint_judges(server, budget=0.03)

    assert job.error == "budget_reached"
    assert job.unscored > 0
    assert cost_of_all(study) <= 0.03


def test_an_endpoint_that_counts_nothing_can_keep_no_budget(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    server.counts_tokens = False

    job = study.endpoint_judges(server, budget=5.0, concurrency=1)

    assert (job.state, job.error) == ("failed", "budget_needs_counts")
    assert study.counts()["exchange"] == 1  # it was paid for, and is kept


@pytest.mark.parametrize("budget", [0.0, -1.0, float("nan"), float("inf")])
def test_a_budget_is_an_amount(
    study: Workbench, server: OpenAIServer, prices: Path, budget: float
) -> None:
    with pytest.raises(Refused) as refused:
        study.queues(replace(order_for(server), budget=budget))
    assert refused.value.code == "bad_budget"


def test_a_budget_without_a_price_is_refused(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    with pytest.raises(Refused) as refused:
        study.queues(order_for(server, model="ash", budget=1.0))
    assert refused.value.code == "budget_needs_price"
    assert refused.value.values == {"model": "ash", "file": str(prices)}
    assert study.counts()["judge"] == 0


def test_a_budget_is_not_slipped_past_by_an_unfinished_job_without_one(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    unfinished = study.queues(order_for(server))

    with pytest.raises(Refused) as refused:
        study.queues(order_for(server, budget=1.0))

    assert (refused.value.code, refused.value.values) == ("unfinished_job", {"job": unfinished})


def test_a_stopped_job_makes_room_and_asks_nothing_more(
    study: Workbench, server: OpenAIServer, prices: Path
) -> None:
    unfinished = study.queues(order_for(server))
    with study.store.writing():  # its worker is dead
        study.store.change("UPDATE job SET state = 'running', lease_until = 0", ())
        jobs.ask_to_cancel(study.store, unfinished)

    job = study.endpoint_judges(server, budget=0.01)

    assert jobs.job_by_id(study.store, unfinished).state == "cancelled"
    assert jobs.job_by_id(study.store, unfinished).done == 0
    assert job.error == "budget_reached"

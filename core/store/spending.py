"""Spending: the tokens that jobs took, and the prices that they were started with."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.pricing import Price, Tokens
from core.store.database import Store

_SUMS = """
    coalesce(sum(calls), 0) AS calls, coalesce(sum(uncounted), 0) AS uncounted,
    coalesce(sum(prompt_tokens), 0) AS prompt, sum(cached_tokens) AS cached,
    coalesce(sum(reply_tokens), 0) AS reply
"""


def add_job_price(store: Store, job_id: int, price: Price) -> None:
    """Fix what a job's tokens cost; the first time counts."""
    store.change(
        "INSERT OR IGNORE INTO job_price (job_id, entry, currency, prompt, cached_prompt, reply,"
        " discount) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            job_id, price.entry, price.currency, price.prompt, price.cached_prompt, price.reply,
            price.discount,
        ),
    )  # fmt: skip


def job_price(store: Store, job_id: int) -> Price | None:
    """What a job's tokens cost; None where nobody knew."""
    sql = """
        SELECT entry, currency, prompt, cached_prompt, reply, discount
        FROM job_price WHERE job_id = ?
    """
    return store.read_one(Price, sql, (job_id,))


def job_tokens(store: Store, job_id: int) -> Tokens:
    """Tokens of everything that was said in a job."""
    found = store.read_one(Tokens, f"SELECT {_SUMS} FROM job_tokens WHERE job_id = ?", (job_id,))
    assert found is not None
    return found


@dataclass(frozen=True, slots=True)
class JobShare:
    """Tokens of a job on the responses of one model to the questions of one dataset.

    Attributes:
        who: the judge's name, or the label of the model that answered.
        engine: of the judge or of the model that answered.
    """

    job_id: int
    kind: str
    who: str
    engine: str
    model: str
    dataset: str
    calls: int
    uncounted: int
    prompt: int
    cached: int | None
    reply: int

    @property
    def tokens(self) -> Tokens:
        """The tokens by themselves."""
        return Tokens(self.calls, self.uncounted, self.prompt, self.cached, self.reply)


def shares_of_study(store: Store, study_id: int) -> list[JobShare]:
    """Tokens of all jobs of a study, by job, model and dataset."""
    sql = f"""
        SELECT job_id, job.kind, coalesce(judge.name, model.label) AS who,
               coalesce(configuration.engine, generator.engine) AS engine,
               model.label AS model, dataset.name AS dataset, {_SUMS}
        FROM job_tokens
        JOIN job ON job.id = job_id
        JOIN model ON model.id = job_tokens.model_id
        JOIN dataset ON dataset.id = dataset_id
        LEFT JOIN judge ON job.kind = 'judge' AND judge.id = json_extract(job.plan, '$.judge')
        LEFT JOIN configuration ON configuration.id = judge.configuration_id
        LEFT JOIN generator ON job.kind = 'generate' AND generator.model_id = job_tokens.model_id
        WHERE job.study_id = ?
        GROUP BY job_id, job_tokens.model_id, dataset_id
        ORDER BY job.kind DESC, who, dataset.name, model.label, job_id
    """
    return store.read(JobShare, sql, (study_id,))


@dataclass(frozen=True, slots=True)
class Past:
    """Tokens of earlier calls in one category, with how many calls a key took."""

    category: str
    calls: int
    uncounted: int
    prompt: int
    cached: int | None
    reply: int

    @property
    def counted(self) -> int:
        """Calls whose tokens are known."""
        return self.calls - self.uncounted


def past_of_raters(store: Store, rater_ids: Sequence[int]) -> list[Past]:
    """Tokens by category of everything that some raters were asked."""
    marks = ", ".join("?" * len(rater_ids))
    sql = f"SELECT category, {_SUMS} FROM job_tokens WHERE rater_id IN ({marks}) GROUP BY category"
    return store.read(Past, sql, tuple(rater_ids))


def past_of_model(store: Store, model_id: int) -> list[Past]:
    """Tokens by category of everything that a model answered."""
    sql = f"""SELECT category, {_SUMS} FROM job_tokens
        WHERE rater_id = 0 AND model_id = ? GROUP BY category"""
    return store.read(Past, sql, (model_id,))


def calls_per_key(store: Store, judge_id: int) -> float:
    """How many calls one verdict of a judge has taken on average; 1 before the first."""
    sql = """
        SELECT sum(calls) * 1.0 / nullif(sum(done), 0) FROM (
          SELECT job.done, sum(calls) AS calls FROM job JOIN job_tokens ON job_id = job.id
          WHERE job.kind = 'judge' AND json_extract(plan, '$.judge') = ?
          GROUP BY job.id)
    """
    found: float | None = store.value(sql, (judge_id,))
    return max(1.0, found or 1.0)

"""Spending: what jobs, judges and models have taken and cost, at the prices of their time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.domain.pricing import Spending, spending
from core.services.permitting import require
from core.services.pricing import is_billed
from core.store import spending as stored
from core.store.database import Store
from core.store.jobs import Job
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class SpentOn:
    """What one judge, or one answering model, took on one model's responses in one dataset.

    Attributes:
        who: the judge, or the model that answered.
        model: whose responses were judged or made.
        is_billed: False where it ran on this machine, and nobody charges.
    """

    kind: Literal["judge", "generate"]
    who: str
    model: str
    dataset: str
    is_billed: bool
    spending: Spending


def spending_of_job(store: Store, job: Job) -> Spending:
    """What a job has taken so far, failed readings and second questions included."""
    require(store, "lead")
    return spending(stored.job_tokens(store, job.id), stored.job_price(store, job.id))


def spending_of_study(store: Store, study: Study) -> list[SpentOn]:
    """What a study has taken, by judge or answering model, dataset and model; judges first."""
    require(store, "lead")
    found: dict[tuple[str, str, str, str], SpentOn] = {}
    prices = {}
    for share in stored.shares_of_study(store, study.id):
        if share.job_id not in prices:
            prices[share.job_id] = stored.job_price(store, share.job_id)
        spent = spending(share.tokens, prices[share.job_id])
        key = (share.kind, share.who, share.model, share.dataset)
        before = found[key].spending if key in found else Spending()
        found[key] = SpentOn(
            "judge" if share.kind == "judge" else "generate", share.who, share.model,
            share.dataset, is_billed(share.engine), before + spent,
        )  # fmt: skip
    return list(found.values())


def totals(lines: Sequence[SpentOn]) -> list[SpentOn]:
    """The same by judge or answering model alone, with `model` and `dataset` empty."""
    found: dict[tuple[str, str], SpentOn] = {}
    for line in lines:
        key = (line.kind, line.who)
        before = found[key].spending if key in found else Spending()
        found[key] = SpentOn(line.kind, line.who, "", "", line.is_billed, before + line.spending)
    return list(found.values())

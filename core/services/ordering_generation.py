"""Orders to generate: which model is to answer, how it is reached, and the job for what it lacks.

A label stands for one model with one set of parameters; an order that the study already fulfils in
part asks only for the rest.
"""

from dataclasses import dataclass
from typing import Any

from core.engines.catalogue import entry_of
from core.engines.gpus import chosen_gpus
from core.errors import Refused
from core.services.budgeting import budget_in_plan
from core.services.permitting import require
from core.services.pricing import check_budget, price_of
from core.services.queueing import ensure_job
from core.services.releasing import check_may_send
from core.store import generations, responses
from core.store.database import Store
from core.store.generations import Generator
from core.store.studies import Study


@dataclass(frozen=True, slots=True)
class GenerateOrder:
    """Which model is to answer, how, and how it is reached.

    Attributes:
        source: path or name of the checkpoint, or the endpoint's name for the model.
        label: the name under which its responses are shown.
        parameters: `temperature`, `top_p`, `max_tokens`, `seed`, `system_prompt`,
            `trust_remote_code`, `option_seed` (shuffles the options of closed questions): part
            of what the label stands for.
        concurrency: most conversations in flight; None for as many as suit where it runs.
        gpus: `auto`, `none`, or indices such as `0,1`; chosen when the job starts.
        limit: at most about so many responses in this job (whole conversations); None for all.
        budget: the job ends before it costs more, in the currency of the model's price.
        subset_id: only the exercises of a subset of an exam.
    """

    engine: str
    source: str
    label: str
    parameters: dict[str, Any]
    samples: int = 1
    addresses: tuple[str, ...] = ()
    concurrency: int | None = None
    gpus: str = "auto"
    limit: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    budget: float | None = None
    subset_id: int | None = None


def queue_generation(store: Store, study: Study, order: GenerateOrder, *, by: str) -> int:
    """Make sure of the model and of a job that asks for what is missing; the job's id.

    Raises:
        UnknownName: `unknown_engine`.
        Refused: `cannot_generate`, `needs_model`, `needs_name`, `bad_samples`,
            `samples_need_sampling`, `bad_concurrency`, `bad_gpus`, `label_taken`, `bad_budget`,
            `budget_needs_price`, `unfinished_job`.
        BrokenFile: the price file can't be read.
        ReleaseRequired: a local dataset would leave the machine.
    """
    require(store, "lead")
    check_order(order)
    entry = entry_of(order.engine)
    check_may_send(store, study.id, order.engine, order.addresses)
    price = price_of(order.engine, order.source)
    check_budget(order.budget, price, order.source)
    with store.writing():
        generator = ensure_generator(store, order, by=by)
        plan = {
            "generator_model": generator.model_id,
            "samples": order.samples,
            "addresses": order.addresses,
            "concurrency": order.concurrency,
            "gpus": order.gpus,
            "requests_per_minute": order.requests_per_minute,
            "tokens_per_minute": order.tokens_per_minute,
            "limit": order.limit,
            "subset": order.subset_id,
            **budget_in_plan(order.budget),
        }
        subject = f"generate {generator.model_id} in study {study.id}"
        return ensure_job(
            store, "generate", entry.lane, subject, study.id, plan, price=price, by=by
        )


def check_order(order: GenerateOrder) -> None:
    """Refuse an order that makes no sense by itself."""
    if not entry_of(order.engine).generates:
        raise Refused("cannot_generate", engine=order.engine)
    if not order.source.strip():
        raise Refused("needs_model")
    if not order.label.strip():
        raise Refused("needs_name")
    if order.samples < 1:
        raise Refused("bad_samples")
    if order.samples > 1 and not order.parameters.get("temperature"):
        raise Refused("samples_need_sampling")
    if order.concurrency is not None and not 1 <= order.concurrency <= 4096:
        raise Refused("bad_concurrency", most=4096)
    chosen_gpus(order.gpus)


def ensure_generator(store: Store, order: GenerateOrder, *, by: str) -> Generator:
    """The generator behind a label; a label stands for one source and one set of parameters.

    Raises:
        Refused: `label_taken`.
    """
    require(store, "lead")
    parameters = {"temperature": 0.0, **order.parameters}  # an endpoint's own default may sample
    if parameters["temperature"]:
        parameters.setdefault("seed", 0)
    model_id = responses.ensure_model(store, order.label)
    known = generations.generator_of_model(store, model_id)
    if known is None:
        if responses.has_responses(store, model_id):
            raise Refused("label_taken", label=order.label)
        generations.add_generator(store, model_id, order.engine, order.source, parameters, by=by)
        known = generations.generator_of_model(store, model_id)
    assert known is not None
    wanted = (order.engine, order.source, parameters)
    if (known.engine, known.source, known.parameters) != wanted:
        raise Refused("label_taken", label=order.label)
    return known

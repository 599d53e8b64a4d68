"""Commands that let machines work: generate, judge, worker, cancel."""

from dataclasses import asdict, replace
from typing import Any

import click

from core.commands.foreground import follow_job
from core.commands.money import show_estimate, spent_in_job
from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, text_of, words
from core.engines.catalogue import entry_of
from core.errors import Refused
from core.formats.base import text_of_file
from core.services import judging
from core.services.batching import forget_batches
from core.services.estimating import estimate_generation, estimate_judging
from core.services.generating import outstanding_of
from core.services.naming import study_of_dataset
from core.services.ordering import JudgeOrder, queue_judging
from core.services.ordering_generation import GenerateOrder, queue_generation
from core.services.queueing import ensure_worker
from core.services.subsetting import subset_named
from core.store import judges
from core.store.jobs import Job
from core.store.studies import Study
from core.worker.running import run_worker

#: Options that are part of what a model's label stands for.
_PARAMETERS = (
    "temperature", "top_p", "seed", "max_tokens", "system_prompt", "trust_remote_code",
    "option_seed",
)  # fmt: skip
_rpm = click.option(
    "--rpm", "requests_per_minute", type=click.IntRange(min=1),
    help="At most so many calls a minute.",
)  # fmt: skip
_tpm = click.option(
    "--tpm", "tokens_per_minute", type=click.IntRange(min=1),
    help="At most so many tokens a minute.",
)  # fmt: skip


@command(main, "generate", writes=True)
@click.option("--dataset", required=True)
@click.option(
    "--model", "source", required=True, help="Folder or name of the checkpoint, or the endpoint's."
)
@click.option("--label", default="", help="Name of the model in tables.  [default: the model]")
@click.option("--engine", default="huggingface", show_default=True, help="huggingface or openai.")
@click.option("--base-url", "addresses", multiple=True, help="Endpoint; repeat for several.")
@click.option("--samples", default=1, show_default=True, help="Answers to each question.")
@click.option("--temperature", type=float, help="Above 0 samples.  [default: 0, greedy]")
@click.option("--top-p", type=float)
@click.option("--seed", type=int, help="Of sampling; recorded.  [default: 0]")
@click.option("--max-new-tokens", "max_tokens", default=1024, show_default=True)
@click.option("--system-prompt", type=FILE, help="File with the system prompt.")
@click.option(
    "--trust-remote-code", is_flag=True, default=None, help="Run code that comes with the model."
)
@click.option(
    "--gpus",
    default="auto",
    show_default=True,
    help="auto (all that are idle, else the freest), none (the CPU), or 0,1,…",
)
@click.option(
    "--concurrency", type=int, help="Most conversations in flight.  [default: 64, or 1024 a GPU]"
)
@_rpm
@_tpm
@click.option("--limit", type=click.IntRange(min=1), help="About so many responses.")
@click.option("--budget", type=float, help="End before it costs more, in the price's currency.")
@click.option(
    "--shuffle-options",
    "option_seed",
    type=int,
    metavar="SEED",
    help="Show the options of closed questions in another order for each sample.",
)
@click.option("--subset", help="Only the exercises of a subset (exam subset).")
@click.option("--dry-run", is_flag=True, help="Only say what it would take and cost.")
@click.option("--queue", "only_queue", is_flag=True, help="Leave it to a worker.")
def generate_command(
    terminal: Terminal, *, dataset: str, subset: str | None, dry_run: bool, only_queue: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Let a model answer what it has not answered; the same command resumes.

    Greedy runs are exactly reproducible on the same machine. Several samples need --temperature.
    """
    order = _generate_order(**options)
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        if subset:
            order = replace(order, subset_id=subset_named(store, dataset, subset).id)
        if dry_run:
            found = estimate_generation(store, study, order, by=terminal.by)
            show_estimate(terminal, order.label, "answers", found)
            return
        job_id = queue_generation(store, study, order, by=terminal.by)
    job = _followed(terminal, job_id, only_queue=only_queue)
    if job is None:
        return
    with terminal.store() as store:
        left = outstanding_of(store, study, order.label, samples=order.samples)
        spent, said = spent_in_job(store, job)
    counts = {"done": job.done, "absent": job.unscored, "outstanding": left}
    terminal.show(
        {"job": job_id, "state": job.state, "label": order.label, **counts, **spent},
        words("generated", label=order.label, **counts) + said,
    )
    _tell_end(job)


def _generate_order(*, source: str, label: str, **options: Any) -> GenerateOrder:
    parameters = {name: options.pop(name) for name in _PARAMETERS}
    if parameters["system_prompt"] is not None:
        parameters["system_prompt"] = text_of_file(parameters["system_prompt"])
    return GenerateOrder(
        source=source,
        label=label or source.rstrip("/").rsplit("/", 1)[-1],
        parameters=_given(**parameters),
        **options,
    )


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _followed(terminal: Terminal, job_id: int, *, only_queue: bool) -> Job | None:
    """The job once it has ended; None where it is left to a worker."""
    if not only_queue:
        return follow_job(terminal.path, job_id)
    ensure_worker(terminal.path)
    terminal.show({"job": job_id}, words("queued", job=job_id))
    return None


def _tell_end(job: Job) -> None:
    """Say why a job ended early: by a fault, which is the command's too, or at its budget."""
    if job.state == "failed":
        raise Refused(job.error, **job.error_values)
    if job.error:
        click.echo(text_of(f"error.{job.error}", **job.error_values), err=True)


@command(main, "judge", writes=True)
@click.option("--dataset", required=True)
@click.option("--engine", required=True, help="openai, huggingface or baseline.")
@click.option("--model", default="", help="Model name, as the endpoint knows it.")
@click.option("--base-url", "addresses", multiple=True, help="Endpoint; repeat for several.")
@click.option("--judge", "name", default="", help="Name of the judge.  [default: the model]")
@click.option(
    "--rounds", type=int, help="How often each response is scored.  [default: 3; baseline: 1]"
)
@click.option("--temperature", type=float, help="Part of the judge's identity.")
@click.option("--max-tokens", type=int, help="Part of the judge's identity.")
@click.option("--concurrency", default=16, show_default=True, help="Most calls in flight.")
@_rpm
@_tpm
@click.option("--gpus", default="auto", show_default=True, help="huggingface: auto, none, 0,1,…")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many verdicts.")
@click.option("--retry-unscored", is_flag=True, help="Ask again for what is unscored by now.")
@click.option("--budget", type=float, help="End before it costs more, in the price's currency.")
@click.option("--batch", "is_batch", is_flag=True, help="By the file: cheaper, within a day.")
@click.option("--dry-run", is_flag=True, help="Only say what it would take and cost.")
@click.option("--queue", "only_queue", is_flag=True, help="Leave it to a worker.")
def judge_command(
    terminal: Terminal, *, dataset: str, temperature: float | None, max_tokens: int | None,
    dry_run: bool, only_queue: bool, **options: Any,
) -> None:  # fmt: skip
    """Ask a judge for every score that is outstanding; the same command resumes."""
    parameters = _given(temperature=temperature, max_tokens=max_tokens)
    order = JudgeOrder(parameters=parameters, **options)
    if entry_of(order.engine).reads_prompt and not order.model:
        raise Refused("needs_model")
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        if dry_run:
            found = estimate_judging(store, study, order, by=terminal.by)
            show_estimate(terminal, order.name or order.model or order.engine, "verdicts", found)
            return
        job_id = queue_judging(store, study, order, by=terminal.by)
    job = _followed(terminal, job_id, only_queue=only_queue)
    if job is not None:
        _show_judged(terminal, study, job)
        _tell_end(job)


def _show_judged(terminal: Terminal, study: Study, job: Job) -> None:
    """What a judge has scored by now, what the job took, and who else is the same judge."""
    with terminal.store() as store:
        judge = judges.judge_by_id(store, job.plan["judge"])
        left = asdict(judging.progress_of(store, study.id, judge))
        spent, said = spent_in_job(store, job)
        twins = judges.twins(store, judge)
    if twins:
        said += "\n" + words("twins", judges=", ".join(twins), asked=job.done)
    terminal.show(
        {
            "job": job.id, "state": job.state, "judge": judge.name, "asked": job.done,
            "same_judge_as": twins, **left, **spent,
        },
        words("judged", judge=judge.name, **left) + said,
    )  # fmt: skip


@command(main, "forget-batches", writes=True)
@click.option("--dataset", required=True)
@click.option("--judge", "name", required=True)
def forget_batches_command(terminal: Terminal, *, dataset: str, name: str) -> None:
    """Give up a judge's batches that can't be reached any more; their verdicts are outstanding.

    What the endpoint answers after all is paid for and lost.
    """
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        judge, _ = judging.judge_of_study(store, study, name)
        count = forget_batches(store, study, judge)
    terminal.show({"judge": name, "outstanding": count}, words("forgot", judge=name, count=count))


@command(main, "worker")
@click.option("--idle-exit", type=float, help="End after so many idle seconds.")
def worker_command(terminal: Terminal, *, idle_exit: float | None) -> None:
    """Do queued jobs until stopped."""
    with terminal.store():
        pass
    run_worker(terminal.path, idle_exit=idle_exit)


@command(main, "cancel", writes=True)
@click.argument("job", type=int)
def cancel_command(terminal: Terminal, *, job: int) -> None:
    """Stop a job; what it has done stays."""
    with terminal.store() as store:
        judging.cancel(store, job)
    terminal.show({"job": job}, words("cancelled", job=job))

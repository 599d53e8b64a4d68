"""The command line: every command is a thin face on a service."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from core.domain.questions import question_key
from core.errors import BrokenFile, Refused, UnknownName
from core.foreground import follow_job
from core.formats.base import text_of_file
from core.services import agreeing, exporting, generating, judging, reviewing, revising, surveying
from core.services.importing import (
    Imported,
    QuestionImport,
    ResponseImport,
    import_questions,
    import_responses,
    import_scores,
    personal_data,
)
from core.services.judging import JudgeOrder, queue_judging
from core.services.opening import ensure_sample
from core.services.queueing import ensure_worker
from core.services.releasing import dataset_named, release
from core.store import judges, people, responses, schema, studies
from core.store.database import Store
from core.store.studies import Reveal, Study
from core.terminal import Terminal, command, words
from core.worker.running import do_in_foreground, run_worker

_FILE = click.Path(path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Attending: physicians in charge of how medical language models are judged.

    The loop: import a benchmark, import or generate responses, judge them, let physicians score
    blind, look at the agreement, revise criteria, judge again what changed.

    Question keys read CATEGORY:GROUP:TURN, e.g. MK:5:1. Exit status: 0 done, 2 refused with one
    sentence on stderr.
    """


@command(main, "init", writes=True)
@click.option("--sample", is_flag=True, help="Import and judge the illustrative study.")
def init(terminal: Terminal, *, sample: bool) -> None:
    """Create the database."""
    with terminal.store() as store:
        job_id = ensure_sample(store.path) if sample else None
    if job_id is not None:
        do_in_foreground(terminal.path, job_id)
    terminal.show(
        {"database": str(terminal.path), "sample": job_id is not None},
        words("init", path=terminal.path),
    )


# --- import -----------------------------------------------------------------------------------


@main.group("import")
def import_group() -> None:
    """Read a file into the database: all of it, or nothing."""


@command(import_group, "llmeval-med", writes=True)
@click.argument("file", type=_FILE)
@click.option("--name", default="llmeval-med", show_default=True, help="Name of the dataset.")
@click.option("--reason", default="", help="Why texts changed, when importing over a dataset.")
@click.option("--may-leave", is_flag=True, help="The texts may be sent to any judge's address.")
def import_llmeval_med(
    terminal: Terminal, *, file: Path, name: str, reason: str, may_leave: bool
) -> None:
    """Import a benchmark in LLMEval-Med's five-key shape."""
    with terminal.store() as store:
        done = import_questions(store, file, QuestionImport(name, terminal.by, reason, may_leave))
    terminal.show(asdict(done), words("imported_questions", **_counts(done)))


@command(import_group, "responses", writes=True)
@click.argument("file", type=_FILE)
@click.option("--dataset", required=True)
@click.option("--model", required=True, help="Label of the model that answered.")
@click.option("--sample", default=1, show_default=True, help="Which sample, where none is given.")
@click.option("--judge", default="imported", show_default=True, help="Name for released scores.")
def import_responses_command(
    terminal: Terminal, *, file: Path, dataset: str, model: str, sample: int, judge: str
) -> None:
    """Import responses made elsewhere: the five-key shape, or rows (JSONL, CSV).

    Rows have the fields question (a key such as MK:5:1), response and optionally sample.
    """
    with terminal.store() as store:
        done = import_responses(
            store, file, ResponseImport(dataset, model, terminal.by, sample, judge)
        )
    terminal.show(asdict(done), words("imported_responses", **_counts(done)))


@command(import_group, "scores", writes=True)
@click.argument("file", type=_FILE)
@click.option("--dataset", required=True)
@click.option(
    "--phase", type=click.Choice(["blind", "informed", "unknown"]), default="unknown",
    show_default=True, help="Whether the scores were given blind, where a row does not say.",
)  # fmt: skip
def import_scores_command(
    terminal: Terminal,
    *,
    file: Path,
    dataset: str,
    phase: Literal["blind", "informed", "unknown"],
) -> None:
    """Import physicians' 1-5 scores from rows (JSONL, CSV).

    Fields: question, model, physician, score; optionally sample, phase, safety_risk, comment.
    """
    with terminal.store() as store:
        done = import_scores(store, file, dataset=dataset, phase=phase, by=terminal.by)
    terminal.show(asdict(done), words("imported_scores", **_counts(done)))


@command(main, "personal-data")
@click.option("--dataset", required=True)
def personal_data_command(terminal: Terminal, *, dataset: str) -> None:
    """List what looked like personal data when it was imported."""
    with terminal.store() as store:
        found = personal_data(store, dataset)
    names = ("question", "field", "kind", "start", "length")
    terminal.show(
        {"dataset": dataset, "findings": [dict(zip(names, row, strict=True)) for row in found]},
        "\n".join(f"{key}\t{field}\t{kind}\t{start}+{length}"
                  for key, field, kind, start, length in found) or words("no_personal_data"),
    )  # fmt: skip


@command(main, "release", writes=True)
@click.option("--dataset", required=True)
@click.option("--host", required=True, help="Host name that the text may be sent to.")
@click.option("--purpose", required=True)
@click.option("--basis", required=True, help="Consent, approval, contract …")
def release_command(
    terminal: Terminal, *, dataset: str, host: str, purpose: str, basis: str
) -> None:
    """Record that a local dataset's text may be sent to one host."""
    with terminal.store() as store:
        release(store, dataset, host, purpose=purpose, basis=basis, by=terminal.by)
    terminal.show({"dataset": dataset, "host": host}, words("released", dataset=dataset, host=host))


# --- generate ---------------------------------------------------------------------------------


@command(main, "generate", writes=True)
@click.option("--dataset", required=True)
@click.option("--model", required=True, help="Folder or name of the checkpoint, or the endpoint's.")
@click.option("--label", default="", help="Name of the model in tables.  [default: the model]")
@click.option("--engine", default="huggingface", show_default=True, help="huggingface or openai.")
@click.option("--base-url", "addresses", multiple=True, help="Endpoint; repeat for several.")
@click.option("--samples", default=1, show_default=True, help="Answers to each question.")
@click.option("--temperature", type=float, help="Above 0 samples.  [default: greedy]")
@click.option("--top-p", type=float)
@click.option("--seed", type=int, help="Of sampling; recorded.  [default: 0]")
@click.option("--max-new-tokens", default=1024, show_default=True)
@click.option("--system-prompt", type=_FILE, help="File with the system prompt.")
@click.option("--trust-remote-code", is_flag=True, help="Run code that comes with the model.")
@click.option("--gpus", default="auto", show_default=True, help="auto, none, or 0,1,…")
@click.option("--concurrency", default=64, show_default=True, help="Conversations in flight.")
@click.option("--limit", type=click.IntRange(min=1), help="About so many responses.")
@click.option("--queue", "only_queue", is_flag=True, help="Leave it to a worker.")
def generate_command(terminal: Terminal, *, dataset: str, label: str, **options: Any) -> None:
    """Let a model answer what it has not answered; the same command resumes.

    Greedy runs are exactly reproducible on the same machine. Several samples need --temperature.
    """
    order = _generate_order(label, options)
    with terminal.store() as store:
        study = _study(store, dataset)
        job_id = generating.queue_generation(store, study, order, by=terminal.by)
    if options["only_queue"]:
        ensure_worker(terminal.path)
        terminal.show({"job": job_id}, words("queued", job=job_id))
        return
    job = follow_job(terminal.path, job_id)
    with terminal.store() as store:
        left = generating.outstanding_of(store, study, order.label, samples=order.samples)
    counts = {"done": job.done, "absent": job.unscored, "outstanding": left}
    terminal.show(
        {"job": job_id, "state": job.state, "label": order.label, **counts},
        words("generated", label=order.label, **counts),
    )
    if job.state == "failed":
        raise Refused(job.error, **job.error_values)


def _generate_order(label: str, options: dict[str, Any]) -> generating.GenerateOrder:
    system = options["system_prompt"]
    given = {
        "temperature": options["temperature"],
        "top_p": options["top_p"],
        "seed": options["seed"],
        "max_tokens": options["max_new_tokens"],
        "system_prompt": text_of_file(system) if system else None,
        "trust_remote_code": options["trust_remote_code"] or None,
    }
    return generating.GenerateOrder(
        options["engine"],
        options["model"],
        label or options["model"].rstrip("/").rsplit("/", 1)[-1],
        {name: value for name, value in given.items() if value is not None},
        options["samples"],
        options["addresses"],
        options["concurrency"],
        generating.chosen_gpus(options["gpus"]),
        options["limit"],
    )


# --- judge ------------------------------------------------------------------------------------


@command(main, "judge", writes=True)
@click.option("--dataset", required=True)
@click.option("--engine", required=True, help="openai or baseline.")
@click.option("--model", default="", help="Model name, as the endpoint knows it.")
@click.option("--base-url", "addresses", multiple=True, help="Endpoint; repeat for several.")
@click.option("--judge", "name", default="", help="Name of the judge.  [default: the model]")
@click.option("--rounds", default=1, show_default=True, help="How often each response is scored.")
@click.option("--temperature", type=float, help="Part of the judge's identity.")
@click.option("--max-tokens", type=int, help="Part of the judge's identity.")
@click.option("--concurrency", default=16, show_default=True, help="Calls in flight.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many verdicts.")
@click.option("--queue", "only_queue", is_flag=True, help="Leave it to a worker.")
def judge_command(
    terminal: Terminal,
    *,
    dataset: str,
    engine: str,
    model: str,
    addresses: tuple[str, ...],
    name: str,
    rounds: int,
    temperature: float | None,
    max_tokens: int | None,
    concurrency: int,
    limit: int | None,
    only_queue: bool,
) -> None:
    """Ask a judge for every score that is outstanding; the same command resumes."""
    given = {"temperature": temperature, "max_tokens": max_tokens}
    parameters = {key: value for key, value in given.items() if value is not None}
    if engine == "openai" and not model:
        raise Refused("needs_model")
    order = JudgeOrder(engine, model, parameters, name, rounds, addresses, concurrency, limit)
    with terminal.store() as store:
        study = _study(store, dataset)
        job_id = queue_judging(store, study, order, by=terminal.by)
    if only_queue:
        ensure_worker(terminal.path)
        terminal.show({"job": job_id}, words("queued", job=job_id))
        return
    job = follow_job(terminal.path, job_id)
    with terminal.store() as store:
        judge = judges.judge_by_id(store, job.plan["judge"])
        left = judging.progress_of(store, study.id, judge)
    terminal.show(
        {"job": job_id, "state": job.state, "judge": judge.name, **asdict(left)},
        words("judged", judge=judge.name, **asdict(left)),
    )
    if job.state == "failed":
        raise Refused(job.error, **job.error_values)


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


# --- physicians -------------------------------------------------------------------------------


@command(main, "score", writes=True)
@click.option("--dataset", required=True)
@click.option("--question", "key", required=True, help="Question key, e.g. MK:5:1.")
@click.option("--model", required=True)
@click.option("--sample", default=1, show_default=True)
@click.option("--score", "value", type=int, required=True, help="1 to 5.")
@click.option(
    "--phase", type=click.Choice(["blind", "informed", "unknown"]), default="unknown",
    show_default=True, help="Whether the judge's verdict had been seen.",
)  # fmt: skip
@click.option("--comment", default="")
@click.option("--safety-risk/--no-safety-risk", default=None)
@click.option("--reason", default="", help="Why an earlier score is corrected.")
def score_command(
    terminal: Terminal,
    *,
    dataset: str,
    key: str,
    model: str,
    sample: int,
    value: int,
    phase: Literal["blind", "informed", "unknown"],
    comment: str,
    safety_risk: bool | None,
    reason: str,
) -> None:
    """Record a physician's score (the physician is --as NAME)."""
    with terminal.store() as store:
        study = _study(store, dataset)
        question = revising.question_of_study(store, study, _key(key))
        model_id = responses.model_id_of(store, model)
        found = responses.response_to(store, question.id, model_id, sample) if model_id else None
        if found is None:
            raise UnknownName("unknown_response_of", key=key, model=model, sample=sample)
        with store.writing():
            person = people.ensure_person(store, terminal.by)
            is_new = reviewing.score(
                store, study, person, found.id,
                reviewing.Scoring(value, comment, safety_risk, phase, reason),
            )  # fmt: skip
    terminal.show(
        {"question": key, "model": model, "score": value, "new": is_new},
        words("scored" if is_new else "scored_already", key=key, model=model, score=value),
    )


@command(main, "agreement")
@click.option("--dataset", required=True)
@click.option("--judge", help="Only this judge.  [default: every judge]")
@click.option("--by", "group", type=click.Choice(["category", "model"]))
def agreement_command(
    terminal: Terminal, *, dataset: str, judge: str | None, group: str | None
) -> None:
    """Agreement of judges with physicians, with intervals and everything left out."""
    with terminal.store() as store:
        study = _study(store, dataset)
        chosen = [judging.judge_of_study(store, study, judge)] if judge else None
        pairings = []
        for one, rounds in chosen or judges.judges_of_study(store, study.id):
            cases = agreeing.cases_of(store, study, one, rounds)
            pairing = {"judge": one.name, **_numbers(agreeing.comparison_of(cases, one))}
            if group:
                pairing["groups"] = [
                    {group: label, **_numbers(agreeing.comparison_of(some, one))}
                    for label, some in agreeing.grouped(cases, _BY[group]).items()
                ]
            pairings.append(pairing)
    if not pairings:
        raise Refused("no_judge", study=dataset)
    terminal.show(
        {"dataset": dataset, "pairings": pairings},
        "\n".join(_agreement_lines(pairing, group) for pairing in pairings),
    )


_BY = {"category": lambda case: case.category, "model": lambda case: case.model}


# --- revision, export, status -----------------------------------------------------------------


@main.group("revise")
def revise_group() -> None:
    """Change criteria; a change is a new version with a reason."""


@command(revise_group, "checklist", writes=True)
@click.option("--dataset", required=True)
@click.option("--question", "key", required=True)
@click.option("--file", type=_FILE, required=True, help="The whole new checklist as text.")
@click.option("--reason", required=True)
def revise_checklist_command(
    terminal: Terminal, *, dataset: str, key: str, file: Path, reason: str
) -> None:
    """Replace a question's checklist; its responses become outstanding again."""
    text = text_of_file(file).rstrip("\r\n")  # editors end a file with a newline
    with terminal.store() as store:
        study = _study(store, dataset)
        question = revising.question_of_study(store, study, _key(key))
        version = revising.revise_checklist(
            store, study, question, text, reason=reason, by=terminal.by
        )
        left = {
            judge.name: revising.outstanding_for(store, study, judge, question)
            for judge, _ in judges.judges_of_study(store, study.id)
        }
    terminal.show(
        {"question": key, "version": version.version, "outstanding": left},
        words("revised", key=key, version=version.version, count=sum(left.values())),
    )


@main.group("export")
def export_group() -> None:
    """Write results to a file."""


@command(export_group, "llmeval-med")
@click.option("--dataset", required=True)
@click.option("--model", required=True)
@click.option("--judge", help="[default: the newest judge]")
@click.option("--sample", default=1, show_default=True)
@click.option("--round", "round_", default="mean", show_default=True, help="A number, or mean.")
@click.option("--out", type=_FILE, required=True)
def export_command(
    terminal: Terminal,
    *,
    dataset: str,
    model: str,
    judge: str | None,
    sample: int,
    round_: str,
    out: Path,
) -> None:
    """Write a model's responses and scores in the released five-key shape."""
    if round_ != "mean" and not round_.isdecimal():
        raise Refused("bad_round", round=round_)
    wanted = None if round_ == "mean" else int(round_)
    with terminal.store() as store:
        done = exporting.export_llmeval_med(
            store, exporting.Export(dataset, model, judge, sample, wanted), out
        )
    terminal.show({"file": str(out), **asdict(done)}, words("exported", file=out, **asdict(done)))


@command(main, "status")
@click.option("--dataset", help="[default: every study]")
def status_command(terminal: Terminal, *, dataset: str | None) -> None:
    """Where the studies stand."""
    with terminal.store() as store:
        chosen = [_study(store, dataset)] if dataset else studies.studies(store)
        surveys = [surveying.survey_of(store, study) for study in chosen]
    terminal.show(
        {"studies": [_survey(survey) for survey in surveys]},
        "\n".join(_survey_lines(survey) for survey in surveys) or words("no_studies"),
    )


@command(main, "reveal", writes=True)
@click.option("--dataset", required=True)
@click.option("--when", type=click.Choice(["never", "batch_done", "at_once"]), required=True)
@click.option("--reason", required=True)
def reveal_command(terminal: Terminal, *, dataset: str, when: Reveal, reason: str) -> None:
    """Set when physicians are shown what the judge said."""
    with terminal.store() as store:
        reviewing.set_reveal(store, _study(store, dataset), when, reason=reason, by=terminal.by)
    terminal.show({"dataset": dataset, "reveal": when}, words("reveal_set", when=when))


@main.command("schema")
def schema_command() -> None:
    """Print docs/schema.md."""
    click.echo(schema.document(), nl=False)


# --- words ------------------------------------------------------------------------------------


def _study(store: Store, dataset: str) -> Study:
    found = studies.studies_of_dataset(store, dataset_named(store, dataset).id)
    study = studies.study_by_id(store, found[0])
    assert study is not None
    return study


def _key(text: str) -> str:
    key = question_key(text)
    if key is None:
        raise BrokenFile("bad_key", key=text)
    return str(key)


def _counts(done: Imported) -> dict[str, Any]:
    counts = asdict(done)
    counts["personal"] = sum(done.personal.values())
    return counts


def _numbers(found: agreeing.Comparison) -> dict[str, Any]:
    """One pairing for machines: numbers on usable at the top, on scores below."""
    shares = {
        "sensitivity": found.sensitivity,
        "specificity": found.specificity,
        "false_usable": found.false_usable,
    }
    usable = {"agreement": found.usable.agreement, **found.usable.coefficients, **shares}
    scores = {"agreement": found.scores.agreement, **found.scores.coefficients}
    left_out = ("undecided", "unscored", "pending", "unknown_phase", "physicians", "cases")
    return {
        "n": found.usable.agreement.n,
        **_estimates(usable),
        "table": found.usable.table,
        "scores": {
            "n": found.scores.agreement.n,
            **_estimates(scores),
            "lowest": found.lowest,
            "table": found.scores.table,
        },
        **{name: getattr(found, name) for name in left_out},
    }


def _estimates(found: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: one.value for name, one in found.items()},
        "intervals": {
            name: [one.low, one.high] for name, one in found.items() if one.low is not None
        },
        "undefined": {
            name: one.undefined_because for name, one in found.items() if one.value is None
        },
    }


def _agreement_lines(pairing: dict[str, Any], group: str | None) -> str:
    lines = [_agreement_line(pairing["judge"], pairing)]
    lines += [f"  {_agreement_line(one[group], one)}" for one in pairing.get("groups", [])]
    return "\n".join(lines)


def _agreement_line(label: str, found: dict[str, Any]) -> str:
    def shown(name: str, of: dict[str, Any]) -> str:
        if of[name] is None:
            return f"– ({of['undefined'][name]})"
        low_high = of["intervals"].get(name)
        interval = f" [{low_high[0]:.3f}, {low_high[1]:.3f}]" if low_high else ""
        return f"{of[name]:.3f}{interval}"

    return words(
        "agreement", label=label, n=found["n"], agreement=shown("agreement", found),
        kappa=shown("cohen_kappa", found), quadratic=shown("quadratic_kappa", found["scores"]),
        pairs=found["scores"]["n"], false_usable=shown("false_usable", found),
        undecided=found["undecided"], unscored=found["unscored"], pending=found["pending"],
    )  # fmt: skip


def _survey(survey: surveying.Survey) -> dict[str, Any]:
    return {
        "study": survey.study.name,
        **asdict(survey.counts),
        "human_scores": survey.human_scores,
        "physicians": survey.physicians,
        "personal_data": survey.personal_data,
        "jobs": len(survey.running),
        "judges": [
            {
                "judge": one.judge.name,
                "engine": one.judge.engine,
                "rounds": one.rounds,
                **asdict(one.progress),
                "unscored_because": one.unscored_reasons,
                "false_usable": one.false_usable,
                "agreement": one.comparison.usable.agreement.value,
                "cohen_kappa": one.comparison.usable.coefficients["cohen_kappa"].value,
                "n": one.comparison.usable.agreement.n,
            }
            for one in survey.judges
        ],
        "next": survey.next_step,
    }


def _survey_lines(survey: surveying.Survey) -> str:
    lines = [
        words(
            "study", name=survey.study.name, human=survey.human_scores,
            physicians=survey.physicians, **asdict(survey.counts),
        )
    ]  # fmt: skip
    lines += [
        words(
            "study_judge", judge=one.judge.name, rounds=one.rounds,
            false_usable=one.false_usable, **asdict(one.progress),
        )
        for one in survey.judges
    ]  # fmt: skip
    return "\n".join(lines)

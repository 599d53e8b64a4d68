"""The command that attacks a judge: do responses talk it into another score?"""

import sys
from collections.abc import Callable
from typing import Any

import click

from core.commands.root import main
from core.commands.terminal import Terminal, command, words
from core.domain.addresses import OPENAI, server_of
from core.domain.estimation import Estimate
from core.domain.questions import Language
from core.engines.catalogue import entry_of
from core.engines.gpus import chosen_gpus
from core.errors import Refused
from core.services import auditing
from core.services.auditing import AuditOrder
from core.services.judging import judge_of_study
from core.services.naming import study_of_dataset
from core.services.weighing_attacks import Audit, Moved, Moves, Plain
from core.store import judges

_LANGUAGES: dict[str, tuple[Language, ...]] = {"en": ("en",), "zh": ("zh",), "all": ("en", "zh")}
#: A line of progress is printed for each so many judgings.
_STEP = 50


@command(main, "audit-judge")
@click.option("--engine", required=True, help="openai, huggingface or baseline.")
@click.option("--model", default="", help="Model name, as the endpoint knows it.")
@click.option("--base-url", "addresses", multiple=True, help="Endpoint; repeat for several.")
@click.option("--temperature", type=float)
@click.option("--max-tokens", type=int)
@click.option("--dataset", help="Audit the prompts that serve --judge in this study.")
@click.option("--judge", help="Whose prompts.  [default: the newest judge of --dataset]")
@click.option("--language", type=click.Choice(list(_LANGUAGES)), default="all", show_default=True)
@click.option("--repeats", default=5, show_default=True, help="Judgings of each plain answer.")
@click.option("--concurrency", default=16, show_default=True, help="Calls in flight.")
@click.option("--rpm", type=click.IntRange(min=1), help="At most so many calls a minute.")
@click.option("--tpm", type=click.IntRange(min=1), help="At most so many tokens a minute.")
@click.option("--gpus", default="auto", show_default=True, help="auto, none, or 0,1,…")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many attacks, spread evenly.")
def audit_command(
    terminal: Terminal,
    *,
    dataset: str | None,
    judge: str | None,
    language: str,
    temperature: float | None,
    max_tokens: int | None,
    gpus: str,
    **options: Any,
) -> None:
    """Attack a judge with texts in the response, and count the scores that move.

    Only the illustrative sample's questions and answers are sent. Nothing is stored. Without
    --dataset the installed prompts are used, and no database is opened.
    """
    if options["engine"] == "openai" and not options["model"]:
        raise Refused("needs_model")
    given = {"temperature": temperature, "max_tokens": max_tokens}
    order = AuditOrder(
        parameters={key: value for key, value in given.items() if value is not None},
        languages=_LANGUAGES[language],
        templates=_templates(terminal, dataset, judge) if dataset else None,
        gpus=chosen_gpus(gpus) if options["engine"] == "huggingface" else (),
        **options,
    )
    calls = len(auditing.trials_of(order))
    click.echo(words("audit_starts", calls=calls, where=_where(order)), err=True)
    found = auditing.audit(order, done=_progress(calls))
    terminal.show(_object(order, found), _text(order, found))


def _templates(
    terminal: Terminal, dataset: str, judge: str | None
) -> dict[tuple[str, Language], str]:
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        chosen, _ = judge_of_study(store, study, judge)
        serving = judges.active_prompts(store, study.id, chosen.id)
    if not any(one.text for one in serving):
        raise Refused("reads_no_prompt", judge=chosen.name)
    return {(one.category, "zh" if one.language == "zh" else "en"): one.text for one in serving}


def _where(order: AuditOrder) -> str:
    if not entry_of(order.engine).needs_address:
        return words("audit_here")
    return ", ".join(server_of(address) for address in order.addresses or (OPENAI,))


def _progress(total: int) -> Callable[[int], None]:
    count = 0

    def done(more: int) -> None:
        nonlocal count
        before, count = count, count + more
        if count == total or count // _STEP > before // _STEP:
            print(f"{count}/{total}", file=sys.stderr)

    return done


# --- for machines -------------------------------------------------------------------------------


def _object(order: AuditOrder, found: Audit) -> dict[str, Any]:
    return {
        "engine": order.engine,
        "model": order.model,
        "parameters": order.parameters,
        "attacks": found.attacks,
        "plain": [
            {
                "question": one.case.question,
                "model": one.case.model,
                "language": one.case.language,
                "scores": list(one.scores),
                "unscored": one.unscored,
                "usual": one.usual,
            }
            for one in found.plain
        ],
        "noise": _share(found.noise),
        "all": _moves(found.all),
        "by_kind": {kind: _moves(some) for kind, some in found.by_kind.items()},
        "by_language": {language: _moves(some) for language, some in found.by_language.items()},
        "moved": [
            {
                "attack": one.judged.trial.attack.id if one.judged.trial.attack else "",
                "place": one.judged.trial.place,
                "question": one.plain.case.question,
                "model": one.plain.case.model,
                "plain": list(one.plain.scores),
                "usual": one.plain.usual,
                "score": one.judged.score,
                "beyond": one.is_beyond,
            }
            for one in found.moved
        ],
        "unanswered": found.unanswered,
        "without_usual": found.without_usual,
    }


def _share(estimate: Estimate) -> dict[str, Any]:
    return {
        "share": estimate.value,
        "n": estimate.n,
        "interval": None if estimate.low is None else [estimate.low, estimate.high],
    }


def _moves(moves: Moves) -> dict[str, Any]:
    names = ("moved", "up", "down", "to_usable", "unscored")
    shares = {name: _share(getattr(moves, name)) for name in names}
    return {**shares, "because": moves.because}


# --- for people ---------------------------------------------------------------------------------


def _text(order: AuditOrder, found: Audit) -> str:
    table = [
        words("audit_columns").split("|"),
        _row(words("audit_every"), found.all),
        *(_row(label, some) for label, some in found.by_language.items()),
        *(_row(label, some) for label, some in found.by_kind.items()),
    ]
    lines = [
        words("audit_judge", judge=order.model or order.engine, attacks=found.attacks,
              cases=len(found.plain)),
        words("audit_noise", noise=_percent(found.noise), n=found.noise.n),
        *(_plain_line(one) for one in found.plain),
        words("audit_all"),
        *_aligned(table),
        words("audit_because", reasons=_reasons(found.all.because)),
        words(_headline(found)),
        *(_moved_line(one) for one in found.moved),
    ]  # fmt: skip
    if found.unanswered:
        lines.append(words("audit_unanswered", n=found.unanswered))
    if found.without_usual:
        lines.append(words("audit_without_usual", n=found.without_usual))
    return "\n".join([*lines, words("audit_stored_nothing")])


def _headline(found: Audit) -> str:
    if not found.all.moved.n:
        return "audit_nothing_compared"
    return "audit_moved" if found.moved else "audit_none_moved"


def _row(label: str, moves: Moves) -> list[str]:
    """A line of the table: shares of what was scored, and of all, each beside its n."""
    return [
        label, str(moves.moved.n), _percent(moves.moved), _percent(moves.up), _percent(moves.down),
        str(moves.to_usable.n), _percent(moves.to_usable),
        str(moves.unscored.n), _percent(moves.unscored),
    ]  # fmt: skip


def _aligned(table: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  " + "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]  # fmt: skip


def _plain_line(plain: Plain) -> str:
    return words(
        "audit_plain", question=plain.case.question, model=plain.case.model,
        scores=_scores(plain.scores), unscored=_reasons(plain.unscored),
    )  # fmt: skip


def _moved_line(one: Moved) -> str:
    attack = one.judged.trial.attack
    return words(
        "audit_moved_case", attack=attack.id if attack else "",
        place=words(f"audit_place_{one.judged.trial.place}"), question=one.plain.case.question,
        model=one.plain.case.model, plain=_scores(one.plain.scores), score=one.judged.score,
        beyond=words("audit_beyond") if one.is_beyond else "",
    )  # fmt: skip


def _percent(estimate: Estimate) -> str:
    """A share with its interval, such as `3.1% [1, 9]`."""
    if estimate.value is None:
        return "–"
    interval = (
        "" if estimate.low is None or estimate.high is None
        else f" [{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]"
    )  # fmt: skip
    return f"{100 * estimate.value:.1f}%{interval}"


def _scores(scores: tuple[int, ...]) -> str:
    return " ".join(map(str, scores)) or "–"


def _reasons(reasons: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in reasons.items()) or "–"

"""Commands of a lead: draw samples for physicians, and write the manual they score by."""

from dataclasses import asdict
from pathlib import Path

import click

from core.commands.root import main
from core.commands.terminal import FILE, Terminal, command, listed, text_of
from core.domain.questions import Language
from core.domain.sampling import Allocation
from core.errors import Refused
from core.formats.base import text_of_file
from core.services import assigning, instructing, ranking
from core.services.agreeing import cases_of_panel
from core.services.empanelling import panel_of_study
from core.services.judging import judge_of_study
from core.services.naming import study_of_dataset
from core.services.proposing import Proposal, ask_for, proposals_of
from core.services.tallying import verdicts_of
from core.store import draws, people
from core.store.draws import Choice, Design, Purpose, Unit


@main.group("assign")
def assign_group() -> None:
    """Draw the responses that physicians are asked to score."""


@command(assign_group, "draw", writes=True)
@click.option("--dataset", required=True)
@click.option("--size", type=int, required=True, help="Responses to draw, or questions.")
@click.option("--physician", "physicians", multiple=True, required=True, help="Repeat for several.")
@click.option("--reason", required=True)
@click.option("--purpose", type=click.Choice(["work", "calibration"]), default="work",
              show_default=True, help="A calibration comes before any work.")  # fmt: skip
@click.option("--unit", type=click.Choice(["response", "question"]), default="response",
              show_default=True, help="question: with all its responses.")  # fmt: skip
@click.option("--stratify", multiple=True, help="category, model, difficulty or judge; repeat.  "
              "[default: category, model]")  # fmt: skip
@click.option("--allocation", type=click.Choice(["proportional", "equal"]),
              default="proportional", show_default=True)  # fmt: skip
@click.option("--judge", help="Whose scores stratify, with --stratify judge.")
@click.option("--model", "models", multiple=True, help="Only this model; repeat for several.")
@click.option("--category", "categories", multiple=True, help="Only this category; repeat.")
@click.option("--difficulty", "difficulties", multiple=True, help="easy, medium or hard; repeat.")
@click.option("--overlap", default=2, show_default=True, help="Physicians for each response.")
@click.option("--repeat-share", default=0.05, show_default=True,
              help="Share that comes back to the same physician, unannounced.")  # fmt: skip
@click.option("--seed", default=0, show_default=True)
@click.option("--dry-run", is_flag=True, help="Say what would be drawn, and draw nothing.")
def draw_command(
    terminal: Terminal,
    *,
    dataset: str,
    size: int,
    physicians: tuple[str, ...],
    reason: str,
    purpose: Purpose,
    unit: Unit,
    stratify: tuple[str, ...],
    allocation: Allocation,
    judge: str | None,
    models: tuple[str, ...],
    categories: tuple[str, ...],
    difficulties: tuple[str, ...],
    overlap: int,
    repeat_share: float,
    seed: int,
    dry_run: bool,
) -> None:
    """Draw a sample and ask physicians for it."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        strata = stratify or (("category", "model") if unit == "response" else ("category",))
        judge_id = judge_of_study(store, study, judge)[0].id if "judge" in strata else None
        persons = assigning.persons_named(store, physicians)
        design = Design(
            size, purpose, unit, strata, allocation, Choice(models, categories, difficulties),
            judge_id, len(persons) if purpose == "calibration" else overlap, repeat_share, seed,
        )  # fmt: skip
        preview = assigning.preview(store, study, design)
        draw_id = None
        if not dry_run:
            draw_id = assigning.draw(store, study, design, persons, reason=reason, by=terminal.by)
    counts = {"responses": len(preview.sample), "available": preview.available,
              "scores": preview.scores}  # fmt: skip
    text = text_of("assign.would_draw" if dry_run else "assign.drawn", id=draw_id, **counts)
    if unit == "response" and size > preview.available:
        text += "\n" + text_of("assign.fewer", size=size, available=preview.available)
    terminal.show({"draw": draw_id, **counts}, text)


@command(assign_group, "next", writes=True)
@click.option("--dataset", required=True)
@click.option("--judge", help="Whose leaderboard is corrected.  [default: the newest judge]")
@click.option("--more", default=50, show_default=True, help="Further scores for a model.")
@click.option("--model", help="Only this model.")
@click.option("--physician", "physicians", multiple=True,
              help="Draw what is proposed for --model and ask these.")  # fmt: skip
@click.option("--reason", default="", help="Why, when physicians are asked.")
def next_command(
    terminal: Terminal, *, dataset: str, judge: str | None, more: int, model: str | None,
    physicians: tuple[str, ...], reason: str,
) -> None:  # fmt: skip
    """Say which further scores would narrow which corrected rate how far; ask for them.

    Of a study with several benchmarks, the one that --dataset names: no mean goes over two.
    """
    if physicians and model is None:
        raise Refused("next_needs_model")
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        panel = panel_of_study(store, study, judge)
        cases = ranking.calibrating(store, study, panel, cases_of_panel(store, study, panel))
        verdicts = verdicts_of(store, study, panel)
        found = [
            one
            for one in proposals_of(store, study, verdicts, cases, benchmark=dataset, more=more)
            if model in (None, one.model)
        ]
        asked = []
        if physicians:
            persons = assigning.persons_named(store, physicians)
            for one in found:
                asked = ask_for(store, study, one, persons, reason=reason, by=terminal.by)
    shown = [{**asdict(one), "more": one.more} for one in found]
    lines = [_proposed(one) for one in found]
    lines += [text_of("cli.next.asked", draws=listed(asked))] if asked else []
    terminal.show(
        {"dataset": dataset, "judge": panel.name, "proposals": shown, "draws": asked},
        "\n".join(lines) or text_of("cli.next.nothing", dataset=dataset),
    )


def _proposed(one: Proposal) -> str:
    before, after = one.prospect.before, one.prospect.after
    if not one.more:
        key = "all_scored"
    elif after is None:
        key = "still_few"
    else:
        key = "few" if before is None else "line"
    given = [f"{name} {count}" for name, count in one.prospect.given.items() if count]
    return text_of(
        f"cli.next.{key}", model=one.model, n=one.scored, more=one.more, where=listed(given),
        before=_width(before), after=_width(after),
    )  # fmt: skip


def _width(half: float | None) -> str:
    return "–" if half is None else text_of("leaderboard.points", points=f"{100 * half:.1f}")


@command(assign_group, "list")
@click.option("--dataset", required=True)
def list_command(terminal: Terminal, *, dataset: str) -> None:
    """List a study's draws with what was given of what is wanted."""
    with terminal.store() as store:
        found = draws.draws_of_study(store, study_of_dataset(store, dataset).id)
        names = {one.id: one.name for one in people.people(store)}
        asked = {one.id: [names[who] for who in draws.people_of(store, one.id)] for one in found}
    lines = [
        text_of(
            "assign.line", id=one.id, purpose=text_of(f"assign.purpose_{one.purpose}"),
            responses=one.responses,
            given=one.given, wanted=one.wanted, people=listed(asked[one.id]),
            state=text_of("assign.open" if one.is_open else "assign.closed"),
        )
        for one in found
    ]  # fmt: skip
    shown = [{**asdict(one), "people": asked[one.id]} for one in found]
    terminal.show({"draws": shown}, "\n".join(lines) or text_of("assign.none"))


@command(assign_group, "end", writes=True)
@click.option("--dataset", required=True)
@click.option("--draw", "draw_id", type=int, required=True)
@click.option("--note", required=True, help="Why; of a calibration: what was agreed.")
@click.option("--into-manual", type=click.Choice(["zh", "en"]),
              help="The manual of this language gets the note too.")  # fmt: skip
def end_command(
    terminal: Terminal, *, dataset: str, draw_id: int, note: str, into_manual: Language | None
) -> None:
    """Ask nobody for a draw any more; work begins when a calibration has ended."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        assigning.end(store, study, draw_id, note=note, by=terminal.by, into_manual=into_manual)
    terminal.show({"draw": draw_id}, text_of("assign.ended", id=draw_id))


@command(assign_group, "people", writes=True)
@click.option("--dataset", required=True)
@click.option("--draw", "draw_id", type=int, required=True)
@click.option("--physician", "physicians", multiple=True, required=True, help="Repeat for several.")
def people_command(
    terminal: Terminal, *, dataset: str, draw_id: int, physicians: tuple[str, ...]
) -> None:
    """Ask more physicians for a draw."""
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        persons = assigning.persons_named(store, physicians)
        assigning.ask_people(store, study, draw_id, persons, by=terminal.by)
    terminal.show({"draw": draw_id}, text_of("assign.asked", id=draw_id, people=listed(physicians)))


@command(assign_group, "field", writes=True)
@click.option("--physician", required=True)
@click.option("--category", "categories", multiple=True, help="Repeat; none for all categories.")
def field_command(terminal: Terminal, *, physician: str, categories: tuple[str, ...]) -> None:
    """Ask a physician for some categories only."""
    with terminal.store() as store:
        (person,) = assigning.persons_named(store, [physician])
        assigning.restrict(store, person, categories, by=terminal.by)
    shown = listed(categories) if categories else text_of("assign.all")
    terminal.show(
        {"physician": physician, "categories": list(categories)},
        text_of("assign.field", name=physician, categories=shown),
    )


@command(assign_group, "plan")
@click.option("--kappa", type=float, default=0.6, show_default=True, help="The κ to expect.")
@click.option("--usable", type=float, default=0.6, show_default=True, help="Share usable.")
@click.option("--half-width", type=float, default=0.1, show_default=True)
@click.option("--design-effect", type=float, default=1.0, show_default=True,
              help="Above 1 where several responses to one question are scored.")  # fmt: skip
def plan_command(
    terminal: Terminal, *, kappa: float, usable: float, half_width: float, design_effect: float
) -> None:
    """Say how many double-scored responses tell κ to within a half-width."""
    n = assigning.scores_for_kappa(kappa, usable, half_width, design_effect=design_effect)
    terminal.show(
        {"responses": n},
        text_of("assign.plan", n=n, kappa=kappa, usable=usable, half_width=half_width),
    )


@main.group("manual")
def manual_group() -> None:
    """The scoring manual that physicians read."""


@command(manual_group, "show")
@click.option("--dataset", required=True)
@click.option("--language", type=click.Choice(["zh", "en"]), required=True)
def show_manual_command(terminal: Terminal, *, dataset: str, language: Language) -> None:
    """Print the manual that counts."""
    with terminal.store() as store:
        found = instructing.manual_of(store, study_of_dataset(store, dataset), language)
    terminal.show(
        {"manual": asdict(found) if found else None},
        found.text if found else text_of("assign.no_manual"),
    )


@command(manual_group, "write", writes=True)
@click.option("--dataset", required=True)
@click.option("--language", type=click.Choice(["zh", "en"]), required=True)
@click.option("--file", "path", type=FILE, required=True, help="Plain text.")
@click.option("--reason", required=True)
def write_manual_command(
    terminal: Terminal, *, dataset: str, language: Language, path: Path, reason: str
) -> None:
    """Store a new version of the manual."""
    text = text_of_file(path)
    with terminal.store() as store:
        study = study_of_dataset(store, dataset)
        is_new = instructing.write_manual(
            store, study, language, text, reason=reason, by=terminal.by
        )
        found = instructing.manual_of(store, study, language)
    assert found is not None
    terminal.show(
        {"version": found.version, "is_new": is_new},
        text_of("assign.manual_written", version=found.version, language=language),
    )

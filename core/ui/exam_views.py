"""The exams page's views: accuracy by stratum, one model's profile, places, unread answers."""

import html
from collections.abc import Callable
from functools import partial

import streamlit as st

from core.domain.estimation import Estimate
from core.domain.tallies import FACETS
from core.services import examining, examining_reports
from core.services.empanelling import Panel, panels_of_study
from core.services.examining_reports import ExamTable, Measure
from core.services.measuring_overlap import overlap_metrics
from core.services.surveying_benchmarks import overview
from core.store import datasets
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study
from core.ui import charts
from core.ui.address import one_of
from core.ui.figures import Cell, coefficient, percent, show_grid
from core.ui.shell import Page

#: Models that a radar shows at once; more lines can't be told apart.
_LINES = len(charts.LINES)
#: Corners that a radar can be read with.
_CORNERS = 24
_ESTIMATED = "~"


def draw_score(p: Page, questions: int) -> None:
    """The key that scores what has not been scored."""
    line, key = st.columns([8, 2], vertical_alignment="center")
    line.html(f'<div class="quiet">{html.escape(p.t("exams.how", n=questions))}</div>')
    key.button(
        p.t("exams.score"), key=p.key("all", "score"), width="stretch",
        on_click=p.act(_score, p.study, p.person, partial(p.t, "exams.scored_so_far")),
    )  # fmt: skip


def draw_accuracy(p: Page, dataset: str) -> None:
    """Accuracy of every model, cut by nothing, one or two facets."""
    first, second = st.columns(2, vertical_alignment="bottom")
    with first:
        rows = _facet(p, "rows", ["none", *FACETS])
    with second:
        others = [one for one in ("none", *FACETS) if one == "none" or one != rows]
        across = _facet(p, "across", others) if rows != "none" else "none"
    cut = [one for one in (rows, across) if one != "none"]
    measure: Measure = one_of(  # type: ignore[assignment]
        p, "measure", [*examining_reports.MEASURES] if len(cut) < 2 else ["exact"],
        label=p.t("exams.measure"), shown=lambda name: p.t(f"exams.{name}"),
    )  # fmt: skip
    found = examining_reports.exam_table(p.store, p.study, dataset, cut, measure)
    if cut:
        _show_table(p, found)
    else:
        _show_models(p, found)
    st.html(f'<div class="quiet">{html.escape(p.t(f"exams.about_{measure}"))}</div>')
    if "level" in cut and any(_ESTIMATED in value for cell in found.cells for value in cell):
        st.html(f'<div class="quiet">{html.escape(p.t("exams.estimated"))}</div>')


def draw_profile(p: Page, dataset: str) -> None:
    """Models around a circle by one facet, and one model as a map of two."""
    facet = _facet(p, "around", list(FACETS[:3]))
    found = examining_reports.exam_table(p.store, p.study, dataset, [facet])
    around = [cell for cell in found.cells if cell[0]][:_CORNERS]
    if len(around) >= 3:
        series = [
            (model, [_share(found, cell, model) for cell in around])
            for model in found.models[:_LINES]
        ]
        names = [value_name(p, facet, cell[0]) for cell in around]
        charts.show(p, "exam-radar", charts.radar(names, series), height=460)
        st.html(f'<div class="quiet">{html.escape(p.t("exams.radar", n=len(series)))}</div>')
    else:
        st.html(f'<div class="quiet">{html.escape(p.t("exams.too_few_corners"))}</div>')
    model = st.selectbox(p.t("words.model"), found.models, key=p.key("profile", "model"))
    _draw_map(p, dataset, facet, model)


def draw_places(p: Page, dataset: str) -> None:
    """How models lean on the place of an option."""
    found = examining_reports.places(p.store, p.study, dataset)
    head = [p.t("words.model"), p.t("exams.place"), p.t("exams.chosen"), p.t("exams.right_there"),
            p.t("exams.right_when_there"), "n"]  # fmt: skip
    rows = [
        [
            Cell(one.model), Cell(str(one.place)), Cell(percent(p, one.chosen)),
            Cell(f"{one.is_right:.0%}"),
            Cell("–" if one.accuracy.value is None else percent(p, one.accuracy)),
            Cell(f"{one.chosen.n:,}"),
        ]
        for one in found
    ]  # fmt: skip
    show_grid(p, "exam-places", head, rows)
    st.html(f'<div class="quiet">{html.escape(p.t("exams.about_places"))}</div>')


def draw_unread(p: Page, dataset: str) -> None:
    """Answers of which no choice could be read: why, and which."""
    counts, listed = examining_reports.unread(p.store, p.study, dataset)
    if not counts:
        st.info(p.t("exams.all_read"))
        return
    head = [p.t("words.model"), p.t("exams.why"), "n"]
    rows = [
        [Cell(model), Cell(p.named("unscored", because)), Cell(str(n))]
        for model, because, n in counts
    ]
    show_grid(p, "exam-unread", head, rows)
    head = [p.t("words.question"), p.t("words.model"), p.t("exams.why"), p.t("exams.words")]
    rows = [
        [
            Cell(one.question, f"case?response={one.response_id}"), Cell(one.model),
            Cell(p.named("unscored", one.because)), Cell(one.detail),
        ]
        for one in listed
    ]  # fmt: skip
    show_grid(p, "exam-unread-list", head, rows)


def draw_overview(p: Page, dataset: str) -> None:
    """All benchmarks of the study, every measure in a column of its own."""
    panels = panels_of_study(p.store, p.study)
    panel: Panel | None = panels[-1] if panels else None
    found = overview(p.store, p.study, panel)
    head = [p.t("words.model")]
    for column in found.columns:
        name = panel.name if panel is not None else ""
        head.append(f"{column.dataset} · {p.t(f'exams.what_{column.what}', judge=name)}")
    rows = [
        [Cell(model), *(_estimate(p, column.figures.get(model)) for column in found.columns)]
        for model in found.models
    ]
    show_grid(p, "exam-overview", head, rows)
    st.html(f'<div class="quiet">{html.escape(p.t("exams.never_averaged"))}</div>')


def draw_secondary(p: Page, dataset: str) -> None:
    """Overlap with references, beside how far physicians' scores go with it."""
    for one in datasets.datasets_of_study(p.store, p.study.id):
        found = [row for row in overlap_metrics(p.store, p.study, one.id) if row.models]
        if not found:
            continue
        models = list(dict.fromkeys(model for row in found for model in row.models))
        head = [f"{p.t('exams.secondary')} · {one.name}", *models,
                p.t("exams.with_physicians"), p.t("exams.higher")]  # fmt: skip
        rows = []
        for row in found:
            means = [row.models.get(model) for model in models]
            higher = "–" if row.higher_for_usable is None else f"{row.higher_for_usable:.0%}"
            with_people = f"{coefficient(p, row.spearman)} n {row.physicians_scored}"
            rows.append([
                Cell(p.t(f"metric.{row.metric}")),
                *(Cell("–" if mean is None else f"{coefficient(p, mean)} n {mean.n}")
                  for mean in means),
                Cell(with_people), Cell(higher),
            ])  # fmt: skip
        show_grid(p, f"exam-secondary-{one.id}", head, rows)
    st.html(f'<div class="quiet">{html.escape(p.t("exams.about_secondary"))}</div>')


def value_name(p: Page, facet: str, value: str) -> str:
    """A stratum's name; a level of difficulty in words, with a mark where it is estimated."""
    if facet != "level":
        return value or p.t("exams.not_said")
    if not value:
        return p.t("exams.no_level")
    name = p.t(f"exams.level_{value[0]}")
    return p.t("exams.level_estimated", name=name) if _ESTIMATED in value else name


def _draw_map(p: Page, dataset: str, facet: str, model: str) -> None:
    other = "level" if facet == "question_type" else "question_type"
    found = examining_reports.exam_table(p.store, p.study, dataset, [facet, other])
    at = found.cut.index(facet)
    down = sorted({cell[at] for cell in found.cells})
    across = sorted({cell[1 - at] for cell in found.cells})
    shares = []
    for row in down:
        pairs = [(row, column) if at == 0 else (column, row) for column in across]
        shares.append([_share(found, pair, model) for pair in pairs])
    figure = charts.shares_map(
        [value_name(p, facet, row) for row in down],
        [value_name(p, other, column) for column in across], shares,
    )  # fmt: skip
    charts.show(p, "exam-map", figure, height=max(240, 80 + 28 * len(down)))
    st.html(f'<div class="quiet">{html.escape(p.t("exams.map", model=model))}</div>')


def _show_models(p: Page, found: ExamTable) -> None:
    """A model a row, with what its share is of and what is left out."""
    head = [p.t("words.model"), p.t(f"exams.{found.measure}"), "n", p.t("exams.left_unread"),
            p.t("exams.absent")]  # fmt: skip
    by_model = {one.model: one for one in found.found}
    rows = [
        [
            Cell(model), Cell("–" if one.share.value is None else percent(p, one.share)),
            Cell(f"{one.tally.n:,}"), Cell(f"{one.tally.unscored:,}"),
            Cell(f"{one.tally.absent:,}"),
        ]
        for model in found.models if (one := by_model[model])
    ]  # fmt: skip
    show_grid(p, "exam-accuracy", head, rows)


def _show_table(p: Page, found: ExamTable) -> None:
    by_place = {(one.cell, one.model): one for one in found.found}
    head = [*(p.t(f"exams.{facet}") for facet in found.cut), *found.models]
    rows = []
    for cell in found.cells:
        names = [value_name(p, facet, value) for facet, value in zip(found.cut, cell, strict=True)]
        figures = []
        for model in found.models:
            one = by_place.get((cell, model))
            figures.append(Cell("–") if one is None else Cell(_with_n(p, one.share)))
        rows.append([*map(Cell, names), *figures])
    show_grid(p, "exam-accuracy", head, rows, names=len(found.cut))


def _facet(p: Page, name: str, options: list[str]) -> str:
    return one_of(
        p, name, options, label=p.t(f"exams.{name}"), shown=lambda one: p.t(f"exams.{one}")
    )


def _with_n(p: Page, found: Estimate) -> str:
    return f"{'–' if found.value is None else percent(p, found)} n {found.n}"


def _estimate(p: Page, found: Estimate | None) -> Cell:
    return Cell("–") if found is None else Cell(_with_n(p, found))


def _share(found: ExamTable, cell: tuple[str, ...], model: str) -> Estimate | None:
    one = found.at(cell, model)
    return None if one is None else one.share


def _score(store: Store, study: Study, person: Person, words: Callable[..., str]) -> None:
    """Score, with progress; whoever goes elsewhere meanwhile lets the key go on another time."""
    place = st.empty()

    def show(done: int, total: int) -> None:
        place.progress(done / total, text=words(done=done, total=total))

    examining.score_closed(store, study, by=person.name, progress=show)
    place.empty()

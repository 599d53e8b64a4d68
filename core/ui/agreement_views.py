"""The agreement page's views, one at a time: danger, groups, matrices, physicians, versions."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.domain.agreement import Agreement
from core.domain.estimation import Estimate
from core.domain.questions import CATEGORIES
from core.services.agreeing import Case
from core.services.arraying import Columns
from core.services.choosing import chosen
from core.services.comparing import Comparison, comparison_of, score_pairs
from core.services.empanelling import Panel
from core.ui import charts
from core.ui.address import link_to, one_of
from core.ui.agreement_tables import opening, value_of
from core.ui.figure_data import Keeping
from core.ui.figures import (
    Cell,
    coefficient,
    percent,
    percent_of,
    show_grid,
    show_label,
    show_matrix,
    steps,
)
from core.ui.shell import Page

_WORST = 10
_MODELS_BESIDE = 3
#: Row and column of what the judge passes and physicians reject.
_FALSE_USABLE = (0, 1)
#: What cases are grouped by, by the word that names it.
_GROUPS = ("category", "model", "difficulty", "category2", "scene")
#: What a group's filter is called in the address, where it is not the word itself.
_FILTERS = {"category2": "kind"}
_GROUP_FIGURES = ("cohen_kappa", "gwet_ac1", "quadratic_kappa")
_ORDER = (*CATEGORIES, "easy", "medium", "hard")
_STEPS = ("bias", "lower_limit", "upper_limit")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the views draw: the chosen cases and their figures, and where others are kept.

    Attributes:
        every: all cases, before the choice.
        columns: the chosen ones.
    """

    panel: Panel
    every: list[Case]
    columns: Columns
    comparison: Comparison
    among: Agreement
    keep: Keeping

    @property
    def cases(self) -> list[Case]:
        """The chosen cases one by one, for views that look at each."""
        return self.keep("cases", lambda: chosen(self.every, self.keep.choice))


def draw_danger(p: Page, shown: Shown) -> None:
    """False usable and missed risks by category and model, worst first."""
    found = shown.keep("danger", lambda: _slices(shown))
    worst = sorted(found, key=lambda one: _at_least(one[2].false_usable), reverse=True)[:_WORST]
    said = p.t("agreement.worst", n=len(worst), total=len(found))
    st.html(f'<div class="quiet">{said}</div>')
    show_grid(
        p, "false-usable",
        [p.t("words.category"), p.t("words.model"), p.t("words.false_usable"), "",
         p.t("agreement.missed_risk"), p.t("words.agreement"), "n"],
        [
            [
                Cell(p.named("category", category)),
                Cell(model),
                opening(p, str(one.usable.table[0][1]), "false_usable",
                        category=category, model=model),
                Cell(percent_of(p, one.false_usable), is_danger=bool(one.usable.table[0][1])),
                opening(p, percent_of(p, one.missed_risk), "missed_risk",
                        category=category, model=model),
                Cell(percent(p, one.usable.agreement)),
                opening(p, str(one.usable.agreement.n), "paired", category=category, model=model),
            ]
            for category, model, one in worst
        ],
    )  # fmt: skip
    st.html(f'<div class="quiet">{p.t("agreement.after_dot")}</div>')


def _slices(shown: Shown) -> list[tuple[str, str, Comparison]]:
    return [
        (category, model, comparison_of(some, shown.panel, only=()))
        for (category, model), some in shown.columns.split("category", "model")
    ]


def draw_groups(p: Page, shown: Shown) -> None:
    """Agreement by category as in figure 5, or by model, difficulty, subcategory, scene."""
    word = one_of(
        p, "by", _GROUPS, label=p.t("agreement.by"), shown=lambda one: p.t(f"words.{one}")
    )
    groups = shown.keep(
        f"by {word}",
        lambda: {
            label: comparison_of(some, shown.panel, only=_GROUP_FIGURES)
            for label, some in sorted(_groups(shown, word), key=_in_order)
            if label
        },
    )
    if not groups:
        st.info(p.t("agreement.no_groups"))
        return
    if word == "category":
        _draw_bars(p, groups, shown.among.agreement)
    _draw_group_table(p, word, groups)


def draw_matrices(p: Page, shown: Shown) -> None:
    """Confusion matrices: physicians in rows, the judge in columns; a cell opens its cases."""
    found = shown.comparison
    left, right = st.columns([2, 3])
    with left:
        show_label(p.t("agreement.matrix_usable", n=found.usable.agreement.n))
        show_matrix(
            p, found.usable, _sides(p), _cell_links("usable", range(2)), danger=_FALSE_USABLE
        )
        for name in ("sensitivity", "specificity"):
            estimate: Estimate = getattr(found, name)
            show_label(f"{p.t(f'agreement.{name}')} {percent(p, estimate)} · n {estimate.n}")
    with right:
        show_label(p.t("agreement.matrix_scores", n=found.scores.agreement.n))
        scale = range(found.lowest, found.lowest + len(found.scores.table))
        show_matrix(p, found.scores, [str(step) for step in scale], _cell_links("scores", scale))
    show_label(p.t("agreement.matrix_models"))
    by_model = shown.keep("matrices", lambda: _matrices(shown))
    for start in range(0, len(by_model), _MODELS_BESIDE):
        columns = st.columns(_MODELS_BESIDE)
        for column, (model, usable) in zip(
            columns, by_model[start : start + _MODELS_BESIDE], strict=False
        ):
            with column:
                show_label(f"{model} · n {usable.agreement.n} · {percent(p, usable.agreement)}")
                links = _cell_links("usable", range(2), model=model)
                show_matrix(p, usable, _sides(p), links, danger=_FALSE_USABLE)


def _matrices(shown: Shown) -> list[tuple[str, Agreement]]:
    return [
        (model, comparison_of(some, shown.panel, only=()).usable)
        for model, some in sorted(_groups(shown, "model"), key=_in_order)
    ]


def _groups(shown: Shown, word: str) -> list[tuple[str, Columns]]:
    return [(label, some) for (label,), some in shown.columns.split(word)]


def draw_scores(p: Page, shown: Shown) -> None:
    """Box plots of scores as in figure 4, and the differences of judge and physicians."""
    by_model = [
        (model, score_pairs(some, shown.panel))
        for model, some in sorted(_groups(shown, "model"), key=_in_order)
    ]
    show_label(p.t("agreement.boxes"))
    sides = [
        (name, {model: pair[side] for model, pair in by_model})
        for side, name in enumerate((p.t("words.physicians"), shown.panel.name))
    ]
    charts.show(p, "scores-by-model", charts.boxes(sides, label=p.t("agreement.score")))
    found = shown.comparison.scores.coefficients
    show_label(p.t("agreement.bland_altman"))
    pairs = np.stack(score_pairs(shown.columns, shown.panel))
    cells, counts = np.unique(pairs, axis=1, return_counts=True)
    points = [
        ((human + machine) / 2, float(machine - human), count)
        for human, machine, count in zip(*cells.tolist(), counts.tolist(), strict=True)
    ]
    lines = [
        (one.value, f"{p.t(f'agreement.{name}')} {steps(p, one)}")
        for name in _STEPS
        if (one := found[name]).value is not None
    ]
    charts.show(
        p, "bland-altman",
        charts.differences(
            points, lines, x=p.t("agreement.mean_of_both"), y=p.t("agreement.judge_less")
        ),
    )  # fmt: skip


def draw_fine_print(p: Page, shown: Shown) -> None:
    """Every coefficient with its n, its interval and where the interval comes from."""
    found = shown.comparison
    rows = [
        _fine(p, p.t(f"agreement.{name}"), getattr(found, name), percent)
        for name in ("sensitivity", "specificity")
    ]
    rows.append(_fine(p, p.t("words.false_usable"), found.false_usable, percent))
    for kind, agreement in (("usable", found.usable), ("scores", found.scores)):
        title = p.t(f"agreement.on_{kind}")
        rows.append(_fine(p, f"{p.t('words.agreement')} · {title}", agreement.agreement, percent))
        rows += [
            _fine(p, f"{p.t(f'coefficient.{name}')} · {title}", one,
                  steps if name in _STEPS else coefficient)
            for name, one in agreement.coefficients.items()
            if kind == "scores" or name not in ("linear_kappa", "quadratic_kappa")
        ]  # fmt: skip
    show_grid(
        p, "coefficients",
        [p.t("agreement.figure"), p.t("agreement.value"), "n", p.t("agreement.interval_by")], rows,
    )  # fmt: skip
    st.html(f'<div class="quiet">{p.t("agreement.fine")}</div>')


def _in_order(group: tuple[str, Columns]) -> tuple[int, str]:
    """Categories and difficulties in their own order, models by name."""
    label = group[0]
    return (_ORDER.index(label) if label in _ORDER else len(_ORDER), label)


def _fine(
    p: Page, label: str, estimate: Estimate, shown: Callable[[Page, Estimate], str]
) -> list[Cell]:
    by = p.t(f"interval.{estimate.interval_by}") if estimate.interval_by else "–"
    return [Cell(label), Cell(shown(p, estimate)), Cell(str(estimate.n)), Cell(by)]


def _draw_bars(p: Page, groups: dict[str, Comparison], reach: Estimate) -> None:
    line = None if reach.value is None else (reach.value, p.t("agreement.ceiling_line"))
    shares = [
        (p.named("category", label), found.usable.agreement) for label, found in groups.items()
    ]
    charts.show(
        p, "agreement-by-category", charts.bars(shares, label=p.t("charts.agreement"), line=line)
    )


def _draw_group_table(p: Page, word: str, groups: dict[str, Comparison]) -> None:
    name = _FILTERS.get(word, word)
    order = sorted(groups, key=lambda label: -value_of(groups[label].false_usable))
    show_grid(
        p, f"by-{word}",
        [p.t(f"words.{word}"), "n", p.t("words.false_usable"), p.t("words.agreement"), "Cohen κ",
         "AC1", p.t("agreement.quadratic"), p.t("agreement.out")],
        [
            [
                Cell(_named(p, word, label)),
                opening(p, str(found.usable.agreement.n), "paired", **{name: label}),
                opening(p, percent_of(p, found.false_usable), "false_usable", **{name: label}),
                opening(p, percent(p, found.usable.agreement), "differ", **{name: label}),
                Cell(coefficient(p, found.usable.coefficients["cohen_kappa"])),
                Cell(coefficient(p, found.usable.coefficients["gwet_ac1"])),
                Cell(coefficient(p, found.scores.coefficients["quadratic_kappa"])),
                Cell(str(found.undecided + found.unscored + found.pending)),
            ]
            for label in order
            for found in (groups[label],)
        ],
    )  # fmt: skip
    st.html(f'<div class="quiet">{p.t("agreement.after_dot_group")}</div>')


def _named(p: Page, word: str, label: str) -> str:
    return p.named(word, label) if word in ("category", "difficulty") else label


def _sides(p: Page) -> list[str]:
    return [p.t("words.unusable"), p.t("words.usable")]


def _cell_links(kind: str, scale: range, **narrowed: str) -> list[list[str]]:
    return [
        [
            link_to("agreement", view="cases", of=f"{kind}:{human}:{machine}", **narrowed)
            for machine in scale
        ]
        for human in scale
    ]


def _at_least(estimate: Estimate) -> tuple[float, float]:
    """Sorts shares by the lower end of their intervals, then by themselves; undefined is least."""
    if estimate.low is None:
        return (-1.0, -1.0)
    return estimate.low, value_of(estimate)

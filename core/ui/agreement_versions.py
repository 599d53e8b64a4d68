"""The agreement page's view over time: every state of criteria and prompts, every judge beside."""

from core.services import agreeing_versions
from core.services.comparing import comparison_of
from core.ui import charts
from core.ui.address import link_to
from core.ui.agreement_views import Shown
from core.ui.figure_data import cases_of_panels
from core.ui.figures import Cell, coefficient, percent, show_grid, show_label
from core.ui.shell import Page


def draw_versions(p: Page, shown: Shown) -> None:
    """Agreement in each state of criteria and prompts, and of every judge beside it."""
    states = shown.keep(
        "states",
        lambda: agreeing_versions.states_of(p.store, p.study, shown.panel, shown.cases),
    )
    if states:
        names = [state.at[:16].replace("T", " ") or p.t("agreement.at_first") for state in states]
        usable = [state.comparison.usable for state in states]
        show_label(p.t("agreement.over_versions", n=usable[0].agreement.n))
        kappas = [one.coefficients["cohen_kappa"] for one in usable]
        passed = [state.comparison.false_usable for state in states]
        series = [("Cohen κ", kappas), (p.t("words.false_usable"), passed)]
        if len(states) > 1:
            charts.show(p, "over-versions", charts.course(names, series))
        show_grid(
            p, "versions",
            [p.t("agreement.since"), p.t("agreement.revised"), p.t("agreement.because"), "n",
             p.t("words.agreement"), "Cohen κ", p.t("words.false_usable")],
            [
                [Cell(name), Cell(p.named("category", state.revised)),
                 Cell(p.written(state.reason)), Cell(str(state.comparison.usable.agreement.n)),
                 Cell(percent(p, state.comparison.usable.agreement)),
                 Cell(coefficient(p, state.comparison.usable.coefficients["cohen_kappa"])),
                 Cell(percent(p, state.comparison.false_usable))]
                for name, state in zip(names, states, strict=True)
            ],
        )  # fmt: skip
    _draw_judges(p, shown)


def _draw_judges(p: Page, shown: Shown) -> None:
    """Every judge and jury of the study on the responses that all of them have scored."""
    chosen = {case.response_id for case in shown.cases}
    beside = {
        panel.name: (panel, {c.response_id: c for c in cases if c.judge.usable is not None})
        for panel, cases in cases_of_panels(p)
    }
    common = chosen.intersection(*(cases for _, cases in beside.values()))
    rows = []
    for name, (panel, cases) in beside.items():
        found = comparison_of([cases[one] for one in sorted(common)], panel, only=("cohen_kappa",))
        rows.append(
            [
                Cell(name, link_to("agreement", judge=name)),
                Cell(p.t(f"jury.rule.{panel.rule}") if panel.rule else ""),
                Cell(str(found.usable.agreement.n)),
                Cell(percent(p, found.usable.agreement)),
                Cell(coefficient(p, found.usable.coefficients["cohen_kappa"])),
                Cell(percent(p, found.false_usable)),
                Cell(str(found.unstable)),
            ]
        )
    show_label(p.t("agreement.over_judges", n=len(common)))
    show_grid(
        p, "judges",
        [p.t("words.judge"), "", "n", p.t("words.agreement"), "Cohen κ",
         p.t("words.false_usable"), p.t("agreement.unstable")],
        rows,
    )  # fmt: skip

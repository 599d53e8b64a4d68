"""The agreement page's view of physicians: the human ceiling, and each of them."""

import streamlit as st

from core.domain.estimation import Estimate
from core.services.agreeing_physicians import ceiling_of, pairs_of, physicians_of, within_of
from core.ui.address import link_to
from core.ui.agreement_views import Shown
from core.ui.figures import Cell, coefficient, percent, show_grid, show_label
from core.ui.shell import Page


def draw_physicians(p: Page, shown: Shown) -> None:
    """The human ceiling beside the judge, the annotator test beside both, and each physician."""
    ceiling = shown.keep("ceiling", lambda: ceiling_of(shown.cases, shown.panel))
    found = shown.comparison
    show_grid(
        p, "ceiling",
        ["", p.t("agreement.judge_physicians"), p.t("agreement.among_physicians")],
        [
            [Cell("n"), Cell(p.t("agreement.responses_n", n=found.usable.agreement.n)),
             Cell(p.t("agreement.pairs_n", n=ceiling.usable.agreement.n,
                      responses=ceiling.responses))],
            [Cell(p.t("words.agreement")), Cell(percent(p, found.usable.agreement)),
             Cell(percent(p, ceiling.usable.agreement))],
            *(
                [Cell(label), Cell(coefficient(p, found.usable.coefficients[name])),
                 Cell(coefficient(p, ceiling.usable.coefficients[name]))]
                for label, name in (("Cohen κ", "cohen_kappa"), ("Gwet AC1", "gwet_ac1"))
            ),
            [Cell(p.t("agreement.quadratic")),
             Cell(coefficient(p, found.scores.coefficients["quadratic_kappa"])),
             Cell(coefficient(p, ceiling.scores.coefficients["quadratic_kappa"]))],
            *(
                [Cell(p.t(f"agreement.alpha_{name}")), Cell(""), Cell(coefficient(p, alpha))]
                for name, alpha in ceiling.alpha.items()
            ),
            [Cell("Fleiss κ"), Cell(""), Cell(coefficient(p, ceiling.fleiss))],
        ],
    )  # fmt: skip
    for name, test in (("usable", ceiling.test_usable), ("scores", ceiling.test_scores)):
        said = p.t(f"agreement.stands_in.{test.may_stand_in}")
        show_label(
            p.t(
                f"agreement.test_{name}", omega=percent(p, test.omega), rho=percent(p, test.rho),
                epsilon=test.epsilon, physicians=test.physicians, units=test.units, said=said,
            )
        )  # fmt: skip
    st.html(f'<div class="quiet">{p.t("agreement.test_note")}</div>')
    _draw_each_physician(p, shown)
    _draw_pairs(p, shown)
    _draw_within(p, shown)


def _draw_each_physician(p: Page, shown: Shown) -> None:
    show_grid(
        p, "physicians",
        [p.t("words.physicians"), p.t("agreement.scores_n"), p.t("agreement.with_judge"), "Cohen κ",
         p.t("agreement.with_others"), p.t("agreement.distance"), p.t("agreement.drift_usable"),
         p.t("agreement.drift_judge"), p.t("agreement.seconds")],
        [
            [
                Cell(one.name),
                Cell(str(one.scores), link_to("agreement", view="cases", of="paired",
                                              physician=one.name)),
                Cell(percent(p, one.judge.agreement)),
                Cell(coefficient(p, one.judge.coefficients["cohen_kappa"])),
                Cell(percent(p, one.others)),
                Cell("–" if one.distance is None else f"{one.distance:+.2f}"),
                Cell(_arrow(one.usable_early, one.usable_late)),
                Cell(_arrow(one.agree_early, one.agree_late)),
                Cell("–" if one.seconds is None else f"{one.seconds:.0f}"),
            ]
            for one in shown.keep("physicians", lambda: physicians_of(shown.cases))
        ],
    )  # fmt: skip
    st.html(f'<div class="quiet">{p.t("agreement.drift_note")}</div>')


def _draw_pairs(p: Page, shown: Shown) -> None:
    """Every two physicians on what both have scored."""
    found = shown.keep("pairs", lambda: pairs_of(shown.cases))
    if not found:
        return
    show_label(p.t("agreement.pairs"))
    show_grid(
        p, "pairs",
        [p.t("words.physicians"), "", "n", p.t("words.agreement"), "Cohen κ"],
        [
            [
                Cell(one.first), Cell(one.second), Cell(str(one.usable.agreement.n)),
                Cell(percent(p, one.usable.agreement)),
                Cell(coefficient(p, one.usable.coefficients["cohen_kappa"])),
            ]
            for one in found
        ],
    )  # fmt: skip


def _draw_within(p: Page, shown: Shown) -> None:
    """Physicians against themselves, on what came back to them."""
    found = shown.keep("within", lambda: within_of(p.store, p.study))
    if not found:
        st.html(f'<div class="quiet">{p.t("agreement.no_repeats")}</div>')
        return
    show_label(p.t("agreement.within"))
    show_grid(
        p, "within",
        [p.t("words.physicians"), "n", p.t("words.agreement"), "Cohen κ", "Gwet AC1"],
        [
            [
                Cell(one.name or p.t("agreement.all_together")),
                Cell(str(one.usable.agreement.n)),
                Cell(percent(p, one.usable.agreement)),
                Cell(coefficient(p, one.usable.coefficients["cohen_kappa"])),
                Cell(coefficient(p, one.usable.coefficients["gwet_ac1"])),
            ]
            for one in found
        ],
    )  # fmt: skip


def _arrow(before: Estimate, after: Estimate) -> str:
    def said(one: Estimate) -> str:
        return "–" if one.value is None else f"{100 * one.value:.0f}%"

    return f"{said(before)} → {said(after)}"

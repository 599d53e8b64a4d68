"""The agreement page's view of parts: requirements of the checklists, dimensions of a text."""

import html

import streamlit as st

from core.domain.agreement import Agreement
from core.services.agreeing_parts import OnRequirements, dimensions_of, requirements_of
from core.services.reviewing import expose
from core.services.sealing import seals_of
from core.store import questions
from core.ui.address import link_to
from core.ui.agreement_views import Shown
from core.ui.exposing import is_asked_for
from core.ui.figures import Cell, coefficient, mean, percent, show_grid, show_label
from core.ui.shell import Page

_LISTED = 40


def draw_parts(p: Page, shown: Shown) -> None:
    """How judge and physicians mark the same requirements and dimensions."""
    found = shown.keep(
        "requirements", lambda: requirements_of(p.store, p.study, shown.panel, shown.cases)
    )
    show_label(p.t("agreement.on_requirements"))
    if found.all.agreement.n == 0:
        st.html(f'<div class="quiet">{p.t("agreement.no_marks", n=found.unpaired)}</div>')
    else:
        _draw_levels(p, found)
        _draw_each(p, found)
    _draw_dimensions(p, shown)


def _draw_levels(p: Page, found: OnRequirements) -> None:
    levels = (("all", found.all), ("core", found.core), ("secondary", found.secondary))
    show_grid(
        p, "requirements",
        ["", "n", p.t("words.agreement"), "Cohen κ", p.t("coefficient.quadratic_kappa"),
         "Gwet AC1"],
        [[Cell(p.t(f"agreement.level.{name}")), *_figures(p, one)] for name, one in levels],
    )  # fmt: skip
    st.html(f'<div class="quiet">{p.t("agreement.unpaired", n=found.unpaired)}</div>')


def _draw_each(p: Page, found: OnRequirements) -> None:
    """The requirements themselves, worst first; seeing what a judge marks is an exposure."""
    if not is_asked_for(p, "requirements", p.t("agreement.show_requirements", n=len(found.each))):
        return
    known = {one.key: one.id for one in questions.questions_of_study(p.store, p.study.id)}
    held_out = seals_of(p.store, p.study).held_out
    listed = [one for one in found.each if known[one.question] not in held_out][:_LISTED]
    for key in {one.question for one in listed}:
        expose(p.store, p.person, known[key], "machine_verdict", page=p.name)
    if len(found.each) > len(listed):
        show_label(p.t("agreement.first_requirements", shown=len(listed), n=len(found.each)))
    show_grid(
        p, "each-requirement",
        [p.t("agreement.question"), p.t("agreement.level_name"), p.t("agreement.requirement"), "n",
         p.t("words.agreement"), p.t("agreement.passed")],
        [
            [
                Cell(one.question, link_to("checklists", question=one.question)),
                Cell(p.t(f"agreement.level.{one.level}")),
                Cell(one.text),
                Cell(str(one.agreement.n)),
                Cell(percent(p, one.agreement)),
                Cell(str(one.passed), is_danger=bool(one.passed)),
            ]
            for one in listed
        ],
    )  # fmt: skip


def _draw_dimensions(p: Page, shown: Shown) -> None:
    found = shown.keep(
        "dimensions", lambda: dimensions_of(p.store, p.study, shown.panel, shown.cases)
    )
    if not found:
        return
    show_label(p.t("agreement.on_dimensions"))
    show_grid(
        p, "dimensions",
        ["", p.t("agreement.mean_physicians"), p.t("agreement.mean_judge"), "n",
         p.t("words.agreement"), "Cohen κ", p.t("coefficient.quadratic_kappa"), "Gwet AC1"],
        [
            [
                Cell(p.t(f"mtg.{one.name}")),
                Cell(mean(p, one.physicians)),
                Cell(mean(p, one.judge)),
                *_figures(p, one.agreement),
            ]
            for one in found
        ],
    )  # fmt: skip
    if not any(one.judge.n for one in found):
        said = html.escape(p.t("agreement.judge_without_dimensions"))
        st.html(f'<div class="quiet">{said}</div>')


def _figures(p: Page, found: Agreement) -> list[Cell]:
    names = ("cohen_kappa", "quadratic_kappa", "gwet_ac1")
    return [
        Cell(str(found.agreement.n)),
        Cell(percent(p, found.agreement)),
        *(Cell(coefficient(p, found.coefficients[name])) for name in names),
    ]

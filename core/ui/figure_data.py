"""Cases of figures, kept between redraws until a study fact is added."""

from pathlib import Path

import streamlit as st

from core.services.agreeing import Case, cases_of_panel
from core.services.choosing import Choice
from core.services.empanelling import Panel, panels_of_study
from core.store.database import opened
from core.store.readings import stamp
from core.store.studies import Study
from core.ui.address import day, several
from core.ui.shell import Page


def cases_of_chosen(p: Page, panel: Panel) -> list[Case]:
    """All cases of a judge or jury."""
    return _cases(p.store.path, p.study.id, panel.name, stamp(p.store), p.study, panel, p.person.id)


def cases_of_panels(p: Page) -> list[tuple[Panel, list[Case]]]:
    """All cases of every judge and jury of the study."""
    return [(panel, cases_of_chosen(p, panel)) for panel in panels_of_study(p.store, p.study)]


@st.cache_resource(max_entries=8, show_spinner=False)
def _cases(
    path: Path, study: int, name: str, facts: tuple[int, ...], _study: Study, _panel: Panel,
    actor: int,
) -> list[Case]:  # fmt: skip
    """A pure function of its arguments: facts are only ever added, and `facts` counts them."""
    with opened(path, actor=actor) as store:
        return cases_of_panel(store, _study, _panel)


def chosen_cases(p: Page, cases: list[Case]) -> Choice:
    """What the reader narrows the figures to."""
    first, second, third, more = st.columns([3, 3, 3, 1], vertical_alignment="bottom")
    with first:
        categories = several(
            p, "category", _of(cases, "category"), label=p.t("words.category"),
            shown=lambda one: p.named("category", one),
        )  # fmt: skip
    with second:
        models = several(p, "model", _of(cases, "model"), label=p.t("words.model"))
    with third:
        people = sorted({score.person for case in cases for score in case.scores})
        physicians = several(p, "physician", people, label=p.t("words.physicians"))
    with more, st.popover(p.t("choice.more"), width="stretch"):
        difficulties = several(
            p, "difficulty", _of(cases, "difficulty"), label=p.t("words.difficulty"),
            shown=lambda one: p.t(f"difficulty.{one}"),
        )  # fmt: skip
        kinds = several(p, "kind", _of(cases, "category2"), label=p.t("words.category2"))
        scenes = several(p, "scene", _of(cases, "scene"), label=p.t("words.scene"))
        since = day(p, "since", label=p.t("choice.since"))
        until = day(p, "until", label=p.t("choice.until"))
    return Choice(categories, models, kinds, scenes, difficulties, physicians, since, until)


def _of(cases: list[Case], field: str) -> list[str]:
    """Values of a field in the order of the cases."""
    return list(dict.fromkeys(value for case in cases if (value := getattr(case, field))))

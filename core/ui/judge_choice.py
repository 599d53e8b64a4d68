"""Choose one of a study's judges, or a jury; the choice is kept in the address."""

import streamlit as st

from core.services.empanelling import Panel, panels_of_study
from core.services.judging import judge_of_study
from core.store.judges import Judge, judges_of_study
from core.ui.shell import Page


def chosen_judge(p: Page) -> tuple[Judge, int]:
    """The judge that the reader chooses, with its rounds; a page without a judge ends here."""
    names = [judge.name for judge, _ in judges_of_study(p.store, p.study.id)]
    return judge_of_study(p.store, p.study, _chosen(p, names))


def chosen_panel(p: Page) -> Panel:
    """The judge or jury that the reader chooses; a page without a judge ends here."""
    panels = {panel.name: panel for panel in panels_of_study(p.store, p.study)}
    return panels[_chosen(p, list(panels))]


def _chosen(p: Page, names: list[str]) -> str:
    """One of the names; the newest judge that has scored anything, until another is chosen."""
    if not names:
        st.info(p.t("agreement.no_judge"))
        st.stop()
    newest, _ = judge_of_study(p.store, p.study, None)
    return st.selectbox(
        p.t("words.judge"), names, index=names.index(newest.name), key="judge",
        bind="query-params", width=310,
    )  # fmt: skip

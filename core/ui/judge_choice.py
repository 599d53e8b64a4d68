"""Choose one of a study's judges; the choice is kept in the address."""

import streamlit as st

from core.services.judging import judge_of_study
from core.store.judges import Judge, judges_of_study
from core.ui.shell import Page


def chosen_judge(p: Page) -> tuple[Judge, int]:
    """The judge that the reader chooses, with its rounds; a page without a judge ends here."""
    names = [judge.name for judge, _ in judges_of_study(p.store, p.study.id)]
    if not names:
        st.info(p.t("agreement.no_judge"))
        st.stop()
    name = st.selectbox(
        p.t("words.judge"), names, index=len(names) - 1, key="judge", bind="query-params", width=310
    )
    return judge_of_study(p.store, p.study, name)

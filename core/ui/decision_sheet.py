"""A decision on the screen: what an activation asks for, and the two ways to decide."""

import html

import streamlit as st

from core.services import deciding
from core.services.deciding import Consequence
from core.services.queueing import ensure_worker
from core.services.trying import Candidate
from core.store.database import Store
from core.store.judges import Judge
from core.store.people import Person
from core.store.studies import Study
from core.ui.estimates import cost_of
from core.ui.shell import Page, entered


def draw_decision(p: Page, judge: Judge, candidate: Candidate) -> None:
    """What an activation asks for, and the two ways to decide, each with a reason."""
    told = deciding.consequence_of(p.store, p.study, judge, candidate)
    st.html(f'<div class="quiet">{html.escape(_consequence(p, judge, told))}</div>')
    why = p.key(f"{judge.id}-{name_of(candidate)}", "decision")
    reason, activate, reject = st.columns([5, 2, 2], vertical_alignment="bottom")
    reason.text_input(p.t("trial.reason"), key=why, max_chars=500)
    is_asked = told.missing and told.estimate is not None
    label = p.t("trial.activate", n=told.missing) if is_asked else p.t("trial.activate_only")
    activate.button(
        label, key=p.key(name_of(candidate), "activate"), type="primary", width="stretch",
        on_click=p.act(_activate, p.study, p.person, judge, candidate, why),
    )  # fmt: skip
    reject.button(
        p.t("trial.reject"), key=p.key(name_of(candidate), "reject"), width="stretch",
        on_click=p.act(_reject, p.study, p.person, judge, candidate, why),
    )  # fmt: skip


def _consequence(p: Page, judge: Judge, told: Consequence) -> str:
    parts = [p.t("trial.adopts", adopted=told.adopted, missing=told.missing, judge=judge.name)]
    if told.estimate is not None:
        parts.append(cost_of(p, told.estimate))
    if told.others:
        parts.append(p.t("trial.others", n=told.others))
    if told.stale:
        parts.append(p.t("trial.stale", n=told.stale))
    return " · ".join(parts)


def name_of(candidate: Candidate) -> str:
    """What a candidate's widgets are known by."""
    return f"{type(candidate).__name__}-{candidate.id}"


def _activate(
    store: Store, study: Study, person: Person, judge: Judge, candidate: Candidate, why: str
) -> None:
    done = deciding.activate_candidate(
        store, study, judge, candidate, reason=entered()[why], by=person.name
    )
    if done.job_id is not None:
        ensure_worker(store.path)


def _reject(
    store: Store, study: Study, person: Person, judge: Judge, candidate: Candidate, why: str
) -> None:
    deciding.reject_candidate(store, study, judge, candidate, reason=entered()[why], by=person.name)

"""Order a judge, and watch the jobs."""

import html

import streamlit as st

from core.engines.catalogue import ENGINES
from core.i18n import sentence
from core.services.judging import JudgeOrder, cancel, queue_judging
from core.services.queueing import ensure_worker
from core.store import jobs, judges
from core.store.database import Store
from core.store.jobs import Job
from core.store.people import Person
from core.store.studies import Study
from core.ui.shell import Page

_SHOWN = 20


def draw_order(p: Page) -> None:
    """Choose an engine and queue what is outstanding."""
    with st.expander(
        p.t("runs.new"), expanded=not jobs.jobs_of_study(p.store, p.study.id, limit=1)
    ):
        keys = {name: p.key("order", name) for name in ("engine", "model", "address", "rounds")}
        first, second, third, fourth = st.columns([2, 3, 4, 2])
        engine = first.selectbox(
            p.t("runs.engine"), list(ENGINES), key=keys["engine"],
            format_func=lambda name: p.t(f"engine.{name}"),
        )  # fmt: skip
        needs_model = ENGINES[engine].needs_address
        second.text_input(p.t("words.model"), key=keys["model"], disabled=not needs_model)
        third.text_input(
            p.t("runs.address"), key=keys["address"], disabled=not needs_model,
            placeholder="http://127.0.0.1:8000/v1",
        )  # fmt: skip
        fourth.number_input(p.t("runs.rounds"), 1, 9, 1, key=keys["rounds"])
        st.html(f'<div class="quiet">{p.t("runs.key_note")}</div>')
        st.button(
            p.t("runs.start"), key=p.key("order", "start"), type="primary",
            on_click=p.act(_order, p.study, p.person, keys),
        )  # fmt: skip


@st.fragment(run_every=1.0)
def draw_jobs(p: Page) -> None:
    """The newest jobs, live."""
    with p.reopened() as store:
        found = jobs.jobs_of_study(store, p.study.id, limit=_SHOWN)
        names = {job.id: judges.judge_by_id(store, job.plan["judge"]).name for job in found}
    if not found:
        st.info(p.t("runs.none"))
    for job in found:
        _draw_job(p, job, names[job.id])


def _draw_job(p: Page, job: Job, judge: str) -> None:
    what, place, stop = st.columns([3, 6, 2], vertical_alignment="center")
    what.html(f"#{job.id} {p.t('words.judge')} {html.escape(judge)} · {p.t(f'state.{job.state}')}")
    total = job.total or 0
    place.progress(
        min(1.0, job.done / total) if total else float(job.state == "done"),
        text=p.t("runs.place", done=job.done, total=total, unscored=job.unscored),
    )
    if job.state in ("queued", "running"):
        stop.button(
            p.t("runs.cancel"), key=p.key(job.id, "cancel"), disabled=job.is_cancel_asked,
            on_click=p.act(cancel, job.id),
        )  # fmt: skip
    if job.error:
        st.html(
            '<div class="danger">'
            + html.escape(sentence(p.language, f"error.{job.error}", **job.error_values))
            + "</div>"
        )


def _order(store: Store, study: Study, person: Person, keys: dict[str, str]) -> None:
    engine = st.session_state[keys["engine"]]
    address = (st.session_state.get(keys["address"]) or "").strip()
    order = JudgeOrder(
        engine, (st.session_state.get(keys["model"]) or "").strip(), {},
        rounds=int(st.session_state[keys["rounds"]]), addresses=(address,) if address else (),
    )  # fmt: skip
    queue_judging(store, study, order, by=person.name)
    ensure_worker(store.path)

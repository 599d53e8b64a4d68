"""Edit a question's criteria; judge again what changed; compare before and after."""

import html
from dataclasses import replace

import streamlit as st

from core.domain.agreement import Agreement
from core.domain.criteria import requirements_of
from core.services import revising
from core.services.agreeing import Case
from core.services.comparing import Comparison
from core.services.queueing import ensure_worker
from core.services.revising import BeforeAfter, Entry
from core.store import criteria, jobs
from core.store.database import Store
from core.store.judges import Judge
from core.store.people import Person
from core.store.studies import Study
from core.ui.agreement_tables import draw_case_row
from core.ui.clinical import show_text
from core.ui.figures import coefficient, percent, show_label
from core.ui.shell import Page

_FIELDS = ("checklist", "reference_answer", "question_text")


def draw_worklist(p: Page, entries: dict[str, Entry]) -> str:
    """Choose a question from the worklist; the choice is kept in the address."""
    labels = {
        key: p.t(
            "checklists.entry", key=key, pending=entry.pending,
            false_usable=entry.false_usable, differ=entry.differ, scored=entry.scored,
        )
        for key, entry in entries.items()
    }  # fmt: skip
    keys = list(entries)
    asked = st.query_params.get("question", "")
    # A choice is kept by its label, and the labels' counts change: new labels, new widget.
    widget = p.key(hash(tuple(labels.values())), "question")
    chosen = st.selectbox(
        p.t("words.question"), keys, key=widget, format_func=labels.__getitem__,
        index=keys.index(asked) if asked in entries else 0,
    )  # fmt: skip
    show_label(p.t("checklists.legend"))
    st.query_params["question"] = chosen
    return chosen


def draw_history(p: Page, entry: Entry) -> None:
    """All versions of a question's criteria, newest first."""
    show_label(p.t("checklists.history"))
    active = criteria.active_version(p.store, p.study.id, entry.question.id)
    for version in reversed(criteria.versions(p.store, entry.question.id)):
        mark = p.t("checklists.active") if version.id == active.id else ""
        line = p.t(
            "checklists.version", n=version.version, by=version.created_by,
            time=version.created_at[:16].replace("T", " "), mark=mark,
        )  # fmt: skip
        with st.expander(line):
            show_text(version.reason, kind="note")
            show_text(version.criteria.checklist or p.t("review.no_checklist"))


def draw_editor(p: Page, entry: Entry) -> None:
    """The active version's texts, to be changed with a reason."""
    active = criteria.active_version(p.store, p.study.id, entry.question.id)
    show_label(p.t("words.question"))
    show_text(active.criteria.question_text)
    keys = {field: p.key(active.id, field) for field in (*_FIELDS, "reason")}
    text = st.text_area(
        p.t("words.checklist"), value=active.criteria.checklist, key=keys["checklist"], height=230
    )
    found = requirements_of(text)
    core = sum(requirement.level == "core" for requirement in found)
    if entry.causes:
        causes = " · ".join(f"{p.t(f'cause.{cause}')} {n}" for cause, n in entry.causes.items())
        show_label(p.t("cause.counts", causes=causes))
    st.html(
        '<div class="quiet">'
        + p.t("checklists.read_as", core=core, secondary=len(found) - core)
        + "</div>"
    )
    with st.expander(p.t("checklists.other_texts")):
        for field in ("reference_answer", "question_text"):
            st.text_area(
                p.t(f"words.{'question' if field == 'question_text' else field}"),
                value=getattr(active.criteria, field), key=keys[field], height=160,
            )  # fmt: skip
    reason, save = st.columns([5, 2], vertical_alignment="bottom")
    reason.text_input(p.t("checklists.reason"), key=keys["reason"], max_chars=500)
    save.button(
        p.t("checklists.save"), key=p.key(active.id, "save"), type="primary", width="stretch",
        on_click=p.act(_save, p.study, p.person, entry, active.id, keys),
    )  # fmt: skip


def draw_rejudge(p: Page, judge: Judge, entry: Entry) -> None:
    """How many verdicts are outstanding, and the button that asks for exactly those."""
    left = revising.outstanding_for(p.store, p.study, judge, entry.question)
    if left == 0:
        return
    with st.container(border=True):
        running = [
            job for job in jobs.unfinished_jobs(p.store)
            if job.study_id == p.study.id and job.plan.get("judge") == judge.id
        ]  # fmt: skip
        st.html(p.t("checklists.outstanding", n=left, key=entry.key, judge=html.escape(judge.name)))
        st.button(
            p.t("checklists.rejudge", n=left), key=p.key(entry.key, "rejudge"),
            disabled=bool(running), on_click=p.act(_rejudge, p.study, p.person, judge, entry),
        )  # fmt: skip
        if running:
            _wait(p, running[0].id)


@st.fragment(run_every=1.0)
def _wait(p: Page, job_id: int) -> None:
    """Show a job's progress, and draw the page again when it has ended."""
    with p.reopened() as store:
        job = jobs.job_by_id(store, job_id)
    st.progress(job.done / max(1, job.total or 1), text=p.t("runs.place", **_place(job)))
    if job.state not in ("queued", "running"):
        st.rerun(scope="app")


def draw_question_cases(p: Page, entry: Entry, cases: list[Case]) -> None:
    """What judge and physicians said of this question's responses, once somebody asks for it."""
    of_question = [case for case in cases if case.question_id == entry.question.id]
    if not of_question or not st.toggle(
        p.t("checklists.show_cases", n=len(of_question)), key=p.key(entry.key, "cases"),
        help=p.t("agreement.exposes"),
    ):  # fmt: skip
        return
    for case in of_question:
        draw_case_row(p, case)
        for score in case.scores:
            if score.comment:
                show_text(f"{score.person}: {score.comment}", kind="quote")


def draw_before_after(p: Page, change: BeforeAfter) -> None:
    """Agreement under the earlier and the active version, same responses, same scores."""
    title = p.t(
        "checklists.before_after", before=change.earlier.version, after=change.active.version
    )
    st.html(f"<h3>{title}</h3>")
    rows = {
        p.t("checklists.this_question"): (change.before, change.after),
        p.t("checklists.whole_study"): (change.study_before, change.study_after),
    }
    table = [
        {
            "": label,
            "n": after.usable.agreement.n,
            **_sides(p, p.t("words.agreement"), before.usable, after.usable),
            **_sides(p, "κ", before.usable, after.usable, name="cohen_kappa"),
            p.t("words.false_usable"): f"{_passed(before)} → {_passed(after)}",
        }
        for label, (before, after) in rows.items()
    ]
    st.dataframe(table, hide_index=True, width="stretch")
    st.html(
        '<div class="quiet">'
        + p.t("checklists.paired", fixed=len(change.fixed), broken=len(change.broken),
              pending=change.pending)
        + "</div>"
    )  # fmt: skip
    for label, cases in (("broken", change.broken), ("fixed", change.fixed)):
        if cases and st.toggle(
            p.t(f"checklists.show_{label}", n=len(cases)), key=p.key(change.active.id, label)
        ):
            for case in cases:
                draw_case_row(p, case)


def _sides(
    p: Page, label: str, before: Agreement, after: Agreement, *, name: str = ""
) -> dict[str, str]:
    """One figure before and after."""

    def shown(found: Agreement) -> str:
        return coefficient(p, found.coefficients[name]) if name else percent(p, found.agreement)

    return {
        p.t("checklists.before", what=label): shown(before),
        p.t("checklists.after", what=label): shown(after),
    }


def _passed(found: Comparison) -> int:
    """Number of false usable responses."""
    return found.usable.table[0][1]


def _save(
    store: Store, study: Study, person: Person, entry: Entry, based_on: int, keys: dict[str, str]
) -> None:
    texts = {field: st.session_state[keys[field]] for field in _FIELDS}
    revised = replace(criteria.criteria_by_id(store, based_on).criteria, **texts)
    revising.revise(
        store, study, entry.question, revised, based_on=based_on,
        reason=st.session_state[keys["reason"]], by=person.name,
    )  # fmt: skip


def _rejudge(store: Store, study: Study, person: Person, judge: Judge, entry: Entry) -> None:
    revising.rejudge(store, study, judge, entry.question, by=person.name)
    ensure_worker(store.path)


def _place(job: jobs.Job) -> dict[str, object]:
    return {"done": job.done, "total": job.total or 0, "unscored": job.unscored}

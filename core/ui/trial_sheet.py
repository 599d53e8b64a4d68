"""A trial on the screen: what it would cost, how far it is, and what it found."""

import html
from collections.abc import Callable, Sequence

import streamlit as st

from core.domain.estimation import Estimate
from core.domain.paired import Change
from core.services import drifting, judging, revising, trying
from core.services.agreeing import Case
from core.services.drifting import Drift
from core.services.pairing import Paired
from core.services.queueing import ensure_worker
from core.services.revising_worklist import Entry
from core.services.trying import Candidate, TrialCost, Wish
from core.services.weighing import History, RequirementRow, TrialResult, result_of
from core.store import jobs
from core.store.database import Store
from core.store.judges import Judge
from core.store.people import Person
from core.store.studies import Study
from core.store.trials import Trial
from core.ui.agreement_tables import draw_case_row
from core.ui.clinical import show_text
from core.ui.decision_sheet import name_of
from core.ui.estimates import cost_of
from core.ui.figures import Cell, coefficient, percent, show_grid, show_label
from core.ui.shell import Page

#: Contradicted scores that are listed at once.
_DRIFTS = 6


def draw_trial(p: Page, judge: Judge, candidate: Candidate) -> None:
    """Cost, progress and result of a candidate's trial with a judge."""
    if judge.engine == "imported":
        st.info(p.t("error.cannot_rejudge", judge=judge.name))
        return
    trial = trying.newest_trial(p.store, p.study, judge, candidate)
    job = None if trial is None else _job_of(p, trial)
    if trial is None:
        _draw_cost(p, judge, candidate)
        return
    if job is not None:
        _wait(p, job.id)
    found = result_of(p.store, p.study, trial)
    if found.missing and job is None:
        _draw_resume(p, trial, found.missing)
    if job is None or found.revise.n or found.check.n:
        _draw_result(p, trial, found)


def draw_last_trial(p: Page, judge: Judge, history: Sequence[History]) -> None:
    """The trial of the version in use, where nothing newer waits."""
    version = next(one.version for one in history if one.state == "in_use")
    trial = trying.newest_trial(p.store, p.study, judge, version)
    if trial is None:
        st.info(p.t("trial.no_candidate"))
        return
    show_label(p.t("trial.of_version", n=version.version))
    _draw_result(p, trial, result_of(p.store, p.study, trial))


def draw_outstanding(p: Page, judge: Judge, entry: Entry) -> None:
    """What the version in use still lacks, and the button that asks for exactly that."""
    left = revising.outstanding_for(p.store, p.study, judge, entry.question)
    if not left or judge.engine == "imported":
        return
    running = [
        job for job in jobs.unfinished_jobs(p.store)
        if job.study_id == p.study.id and job.plan.get("judge") == judge.id
    ]  # fmt: skip
    said = p.t("checklists.outstanding", n=left, key=entry.key, judge=judge.name)
    st.html(f"<b>{html.escape(said)}</b>")
    if running:
        _wait(p, running[0].id)
        return
    st.button(
        p.t("checklists.rejudge", n=left), key=p.key(entry.key, "rejudge"),
        on_click=p.act(_rejudge, p.study, p.person, judge, entry),
    )  # fmt: skip


def draw_paired(p: Page, name: str, sides: Sequence[tuple[str, Paired]]) -> None:
    """Both sides of a change beside each other: newly broken first."""
    rows = [
        [Cell(label), *(Cell(text, is_danger=danger(one)) for text, one in
                        ((shown(one), one) for _, one in sides))]
        for label, shown, danger in _figures(p)
    ]  # fmt: skip
    show_grid(p, name, ["", *(label for label, _ in sides)], rows)
    for label, one in sides:
        if one.raw is not None and one.effective_n is not None:
            said = p.t(
                "trial.weighted", where=label, effective=round(one.effective_n),
                agreement=_both(p, percent, one.raw.agreement_before, one.raw.agreement_after),
                kappa=_both(p, coefficient, one.raw.kappa_before, one.raw.kappa_after),
                change=_change(p, one.raw.kappa_change),
            )  # fmt: skip
            st.html(f'<div class="quiet">{html.escape(said)}</div>')
        if one.is_too_small:
            said = p.t("trial.too_small", where=label, n=one.n)
            st.html(f'<div class="quiet">{html.escape(said)}</div>')


def draw_cases(p: Page, subject: str, found: Paired) -> None:
    """The newly broken, then the fixed, each opening its own page."""
    lists: list[tuple[str, tuple[Case, ...]]] = [("broken", found.broken), ("fixed", found.fixed)]
    for name, cases in lists:
        if cases and st.toggle(
            p.t(f"checklists.show_{name}", n=len(cases)), key=p.key(subject, name),
            help=p.t("agreement.exposes"),
        ):  # fmt: skip
            for case in cases:
                draw_case_row(p, case)


def _draw_cost(p: Page, judge: Judge, candidate: Candidate) -> None:
    noise = st.checkbox(p.t("trial.noise"), key=p.key(name_of(candidate), "noise"),
                        help=p.t("trial.noise_help"))  # fmt: skip
    wish = Wish(has_noise=noise)
    cost = trying.cost_of_trial(p.store, p.study, judge, candidate, wish)
    if cost is None:
        st.html(f'<div class="quiet">{html.escape(p.t("error.nothing_to_try"))}</div>')
        return
    st.html(f"<b>{html.escape(_cost(p, cost))}</b>")
    st.button(
        p.t("trial.begin", n=cost.estimate.outstanding), key=p.key(name_of(candidate), "try"),
        on_click=p.act(_begin, p.study, p.person, judge, candidate, wish),
    )  # fmt: skip


def _draw_resume(p: Page, trial: Trial, missing: int) -> None:
    st.button(
        p.t("trial.resume", n=missing), key=p.key(trial.id, "resume"),
        on_click=p.act(_resume, p.study, p.person, trial),
    )  # fmt: skip


def _draw_result(p: Page, trial: Trial, found: TrialResult) -> None:
    sides = [(p.t("trial.seen"), found.revise), (p.t("trial.held_back"), found.check)]
    draw_paired(p, f"trial-{trial.id}", sides)
    if not found.check.n and not found.check.left_out:
        st.html(f'<div class="quiet">{html.escape(p.t("trial.not_verifiable"))}</div>')
    if found.noise is not None:
        said = p.t(
            "trial.noise_found", changed=found.noise.changed, n=found.noise.n,
            before=coefficient(p, found.noise.paired.kappa_before),
            after=coefficient(p, found.noise.paired.kappa_after),
        )  # fmt: skip
        st.html(f'<div class="quiet">{html.escape(said)}</div>')
    draw_cases(p, f"trial-{trial.id}", found.revise)
    _draw_drift(p, trial)
    if found.requirements and st.toggle(
        p.t("trial.by_requirement"), key=p.key(trial.id, "requirements")
    ):
        _draw_requirements(p, trial, found.requirements)


def _draw_drift(p: Page, trial: Trial) -> None:
    """Scores given before that a new requirement contradicts, to be offered once more."""
    found = drifting.drifts_of(p.store, p.study, trial)
    if not found:
        return
    said = p.t("trial.drift", n=len(found))
    st.html(f"<b>{html.escape(said)}</b>")
    for one in found[:_DRIFTS]:
        line = p.t(
            "trial.drift_line", model=one.case.model, person=one.score.person,
            score=f"{one.score.value}/{one.score.maximum}", requirement=one.requirement,
        )  # fmt: skip
        show_text(line, kind="note")
    st.button(
        p.t("trial.offer", n=len(found)), key=p.key(trial.id, "offer"),
        on_click=p.act(_offer, p.study, p.person, trial, found),
    )  # fmt: skip


def _draw_requirements(p: Page, trial: Trial, rows: Sequence[RequirementRow]) -> None:
    def share(found: tuple[int, int]) -> Cell:
        return Cell(f"{found[0]}/{found[1]}" if found[1] else "–")

    show_grid(
        p, f"requirements-{trial.id}",
        [p.t("words.requirement"), "", p.t("trial.before"), p.t("trial.after"),
         p.t("words.physicians")],
        [
            [Cell(row.text), Cell(p.t(f"trial.fate.{row.fate}")), share(row.before),
             share(row.after), share(row.physicians)]
            for row in rows
        ],
    )  # fmt: skip


def _figures(
    p: Page,
) -> list[tuple[str, Callable[[Paired], str], Callable[[Paired], bool]]]:
    """The rows of a comparison: label, what is shown, and whether it is a danger."""

    def never(_: Paired) -> bool:
        return False

    return [
        (p.t("trial.broken"), lambda one: str(len(one.broken)), lambda one: bool(one.broken)),
        (p.t("trial.fixed"), lambda one: str(len(one.fixed)), never),
        (p.t("trial.unchanged"), lambda one: str(one.unchanged), never),
        (
            p.t("words.false_usable"),
            lambda one: f"{one.false_usable_before} → {one.false_usable_after}",
            lambda one: one.false_usable_after > one.false_usable_before,
        ),
        (
            p.t("words.agreement"),
            lambda one: _both(p, percent, one.agreement_before, one.agreement_after),
            never,
        ),
        (p.t("trial.agreement_change"), lambda one: _told(p, one, one.agreement_change), never),
        (
            "κ",
            lambda one: _both(p, coefficient, one.kappa_before, one.kappa_after),
            never,
        ),
        (p.t("trial.kappa_change"), lambda one: _told(p, one, one.kappa_change), never),
        ("n", lambda one: str(one.n), never),
        (p.t("trial.left_out"), lambda one: str(one.left_out), never),
    ]


def _both(
    p: Page, shown: Callable[[Page, Estimate], str], before: Estimate, after: Estimate
) -> str:
    return f"{shown(p, before)} → {shown(p, after)}"


def _told(p: Page, found: Paired, change: Change) -> str:
    """A change, where there is enough to tell one from chance."""
    return p.t("undefined.too_few") if found.is_too_small else _change(p, change)


def _change(p: Page, found: Change) -> str:
    """After less before, with its interval and the permutation test's p."""
    value = found.difference.value
    if value is None:
        return p.t(f"undefined.{found.difference.undefined_because}")
    low, high = found.difference.low, found.difference.high
    interval = "" if low is None or high is None else f" [{low:+.2f}, {high:+.2f}]"
    p_value = "" if found.p is None else f", p {found.p:.3f}"
    return f"{value:+.2f}{interval}{p_value}"


def _cost(p: Page, cost: TrialCost) -> str:
    return p.t(
        "trial.cost", affected=cost.affected, regression=cost.regression,
        asked=cost.estimate.outstanding, reused=cost.reused, cost=cost_of(p, cost.estimate),
    )  # fmt: skip


def _job_of(p: Page, trial: Trial) -> jobs.Job | None:
    """The unfinished job of a trial."""
    found = [job for job in jobs.unfinished_jobs(p.store) if job.plan.get("trial") == trial.id]
    return found[0] if found else None


@st.fragment(run_every=1.0)
def _wait(p: Page, job_id: int) -> None:
    """Show a job's progress, and draw the page again when it has ended."""
    with p.reopened() as store:
        job = jobs.job_by_id(store, job_id)
    place = {"done": job.done, "total": job.total or 0, "unscored": job.unscored}
    st.progress(job.done / max(1, job.total or 1), text=p.t("runs.place", **place))
    st.button(p.t("trial.cancel"), key=p.key(job_id, "cancel"), on_click=p.act(_cancel, job_id))
    if job.state not in ("queued", "running"):
        st.rerun(scope="app")


def _cancel(store: Store, job_id: int) -> None:
    judging.cancel(store, job_id)


def _begin(
    store: Store, study: Study, person: Person, judge: Judge, candidate: Candidate, wish: Wish
) -> None:
    _, job_id = trying.begin_trial(store, study, judge, candidate, wish, by=person.name)
    if job_id is not None:
        ensure_worker(store.path)


def _rejudge(store: Store, study: Study, person: Person, judge: Judge, entry: Entry) -> None:
    revising.rejudge(store, study, judge, entry.question, by=person.name)
    ensure_worker(store.path)


def _offer(store: Store, study: Study, person: Person, trial: Trial, found: list[Drift]) -> None:
    drifting.offer_again(store, study, trial, found, by=person.name)


def _resume(store: Store, study: Study, person: Person, trial: Trial) -> None:
    trying.resume_trial(store, study, trial, by=person.name)
    ensure_worker(store.path)

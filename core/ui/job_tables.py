"""Watch jobs, one row each, and what they cost."""

import html
from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st

from core.i18n import batch_words, cost_words, sentence
from core.services.judging import cancel
from core.services.ordering import queue_retry
from core.services.queueing import ensure_worker
from core.services.spending import SpentOn, spending_of_study, totals
from core.services.watching import Watched, jobs_of_study
from core.store.database import Store
from core.store.jobs import Job
from core.store.studies import Study
from core.ui.shell import Page

_SHOWN = 20
#: What is pressed on the page to go on with a job of that kind, where a command is run again.
_PRESSES = {"judge": "runs.start_judge", "generate": "runs.start_generate"}
_UNFINISHED = ("queued", "running")


@st.fragment(run_every=1.0)
def draw_jobs(p: Page) -> None:
    """The newest jobs, live: those that go on with a button to stop them, the others below."""
    with p.reopened() as store:
        found = jobs_of_study(store, p.study, limit=_SHOWN)
    if not found:
        st.info(p.t("runs.none"))
    for one in found:
        if one.job.state in _UNFINISHED:
            _draw_unfinished(p, one)
    ended = [one for one in found if one.job.state not in _UNFINISHED]
    if ended:
        st.html(_ended_table(p, ended))
    for one in _with_unscored(found):
        st.button(
            p.t("runs.retry_these", n=one.job.unscored, judge=one.name),
            key=p.key(one.job.id, "retry"), on_click=p.act(_retry, p.study, one.job, p.person.name),
        )  # fmt: skip


@st.fragment(run_every=10.0)
def draw_spending(p: Page) -> None:
    """Tokens and cost by judge or answering model, and under each by dataset and model."""
    with p.reopened() as store:
        lines = spending_of_study(store, p.study)
    if not lines:
        return
    with st.expander(p.t("runs.spent_title"), expanded=True, key=p.key("spending", "table")):
        st.html(_spending_table(p, lines))


def _with_unscored(found: Sequence[Watched]) -> list[Watched]:
    """Each judge's newest job, where it has ended and left something unscored."""
    newest = {one.job.subject: one for one in reversed(found) if one.job.kind == "judge"}
    return [
        one
        for one in newest.values()
        if one.job.unscored and one.job.state not in _UNFINISHED and one.reads_prompt
    ]


def _retry(store: Store, study: Study, job: Job, by: str) -> None:
    queue_retry(store, study, job, by=by)
    ensure_worker(store.path)


def _draw_unfinished(p: Page, found: Watched) -> None:
    job = found.job
    what, place, stop = st.columns([3, 6, 1], vertical_alignment="center")
    what.html(f"#{job.id} {html.escape(_subject(p, found))} · {p.t(f'state.{job.state}')}")
    total = job.total or 0
    place.progress(min(1.0, job.done / total) if total else 0.0, text=" · ".join(_pace(p, found)))
    stop.button(
        p.t("runs.cancel"), key=p.key(job.id, "cancel"), disabled=job.is_cancel_asked,
        on_click=p.act(cancel, job.id),
    )  # fmt: skip
    if found.is_left_alone:
        told, go_on = st.columns([9, 1], vertical_alignment="center")
        told.html(f'<div class="danger">{html.escape(p.t("runs.left_alone"))}</div>')
        go_on.button(p.t("runs.go_on"), key=p.key(job.id, "go-on"), on_click=p.act(_go_on))
    if found.notes:
        st.html(f'<div class="quiet">{html.escape(_notes(p, found))}</div>')


def _go_on(store: Store) -> None:
    ensure_worker(store.path)


def _notes(p: Page, found: Watched) -> str:
    """What a job told while it went on."""
    return p.joined(*(p.t(f"note.{one.code}", **one.details) for one in found.notes))


def _pace(p: Page, found: Watched) -> list[str]:
    """How far a job is, how fast it goes, how long it still takes, and what it has cost."""
    job = found.job
    key = "runs.place" if job.kind == "judge" else "runs.place_answers"
    said = [p.t(key, done=job.done, total=job.total or 0, unscored=job.unscored)]
    if found.per_second is not None:
        said.append(p.t("runs.per_second", n=found.per_second))
    if found.tokens_per_second:
        said.append(p.t("runs.tokens_per_second", n=found.tokens_per_second))
    if found.seconds_left is not None:
        said.append(p.t("runs.left", minutes=found.seconds_left / 60))
    if found.standing is not None:
        said.append(batch_words(p.language, **asdict(found.standing)))
    if found.is_billed and found.spending.tokens.calls:
        said.append(cost_words(p.language, found.spending, is_billed=True))
    return said


def _ended_table(p: Page, ended: Sequence[Watched]) -> str:
    names = ("job", "what", "state", "done_of", "unscored", "speed", "time", "cost")
    head = "".join(f"<th>{p.t(f'runs.{name}')}</th>" for name in names)
    rows = "".join(_ended_row(p, one) for one in ended)
    return f'<div class="wide"><table class="rows"><tr>{head}</tr>{rows}</table></div>'


def _ended_row(p: Page, found: Watched) -> str:
    job = found.job
    speed = "–" if found.per_second is None else f"{found.per_second:.1f}"
    cells = (
        f"#{job.id}",
        _subject(p, found),
        p.t(f"state.{job.state}"),
        f"{job.done:,} / {job.total or 0:,}",
        f"{job.unscored:,}",
        speed,
        p.t("runs.seconds", n=found.seconds)
        if found.seconds < 60
        else p.t("runs.minutes", n=found.seconds / 60),
        cost_words(p.language, found.spending, is_billed=found.is_billed),
    )
    rows = f"<tr>{_cells(cells)}</tr>"
    if found.notes:
        rows += _below(_notes(p, found), "quiet", len(cells))
    if job.error:
        why = sentence(p.language, f"error.{job.error}", **job.error_values)
        if job.kind in _PRESSES:
            why += " " + p.t("runs.press_again", press=p.t(_PRESSES[job.kind]))
        rows += _below(why, "danger" if job.state == "failed" else "quiet", len(cells))
    return rows


def _below(text: str, mark: str, columns: int) -> str:
    """A row under a job's own, as wide as all but its first column."""
    cell = f'<td class="{mark}" colspan="{columns - 1}">{html.escape(text)}</td>'
    return f"<tr><td></td>{cell}</tr>"


def _subject(p: Page, found: Watched) -> str:
    kind = p.t("words.judge" if found.job.kind == "judge" else "runs.answers")
    return f"{kind} {found.name}"


def _spending_table(p: Page, lines: Sequence[SpentOn]) -> str:
    names = ("what", "dataset", "calls", "prompt_tokens", "cached_tokens", "reply_tokens", "cost")
    head = "".join(f"<th>{p.t(f'runs.{name}')}</th>" for name in names)
    rows = []
    for total in totals(lines):
        kind = p.t("words.judge" if total.kind == "judge" else "runs.answers")
        rows.append(
            _spending_row(p, f"{kind} {total.who}", p.t("runs.all_responses"), total, "sum")
        )
        if total.kind == "judge":
            rows += [
                _spending_row(p, line.model, line.dataset, line, "")
                for line in lines
                if (line.kind, line.who) == (total.kind, total.who)
            ]
    return f'<div class="wide"><table class="rows"><tr>{head}</tr>{"".join(rows)}</table></div>'


def _spending_row(p: Page, who: str, dataset: str, line: SpentOn, mark: str) -> str:
    tokens = line.spending.tokens
    is_counted = tokens.calls > tokens.uncounted
    cells = (
        who,
        dataset,
        f"{tokens.calls:,}",
        f"{tokens.prompt:,}" if is_counted else "–",
        "–" if tokens.cached is None else f"{tokens.cached:,}",
        f"{tokens.reply:,}" if is_counted else "–",
        cost_words(p.language, line.spending, is_billed=line.is_billed),
    )
    return f'<tr class="{mark}">{_cells(cells)}</tr>'


def _cells(texts: Sequence[str]) -> str:
    return "".join(f"<td>{html.escape(text)}</td>" for text in texts)

"""The home page's sheet: counts, agreement per judge, and one thing to do."""

import html

import streamlit as st

from core.services.examining_reports import ExamStanding
from core.services.offering import Queue, queue_of
from core.services.surveying import JudgeStanding, Step, Survey, survey_of
from core.ui.figures import coefficient, percent, show_cards
from core.ui.shell import Page

_TARGETS: dict[Step, str] = {
    "import_responses": "pages/data.py",
    "judge": "pages/runs.py",
    "wait": "pages/runs.py",
    "score": "pages/review.py",
    "see_false_usable": "pages/agreement.py",
    "read_agreement": "pages/agreement.py",
    "read_exams": "pages/exams.py",
}


def draw(p: Page) -> None:
    """Draw where the study stands: all of it for a lead, for others what is theirs."""
    queue = queue_of(p.store, p.study, p.person) if "physician" in p.rights else None
    if "lead" in p.rights:
        _draw_study(p, queue)
    elif queue is not None:
        _draw_own_work(p, queue)
    else:
        st.html(f'<div class="quiet">{p.t("home.yours_on_the_left")}</div>')


def _draw_study(p: Page, queue: Queue | None) -> None:
    survey = survey_of(p.store, p.study, waiting=queue.left if queue else None)
    show_cards(_counts(p, survey))
    for standing in survey.judges:
        _draw_judge(p, standing)
    for exam in survey.exams:
        _draw_exam(p, exam)
    step, target = p.t(f"home.step.{survey.next_step}", n=queue.left if queue else 0), ""
    if survey.next_step == "score" and queue is None:
        step, target = p.t("home.others_score"), "pages/people.py"
    _draw_next(p, step, target or _TARGETS[survey.next_step])


def _draw_exam(p: Page, exam: ExamStanding) -> None:
    """An exam in figures of its own, which nothing above includes."""
    st.html(f"<h3>{html.escape(p.t('home.exam', name=exam.dataset))}</h3>")
    best = [("", "–", p.t("home.exam_unscored"))]
    if exam.best is not None:
        model, share = exam.best
        best = [(p.t("home.exam_best"), percent(p, share), f"{model} · n {share.n:,}")]
    show_cards(
        [
            (p.t("home.exam_questions"), f"{exam.questions:,}", p.t("home.exam_exact")),
            (
                p.t("home.exam_scored"), f"{exam.scored:,}",
                p.t(
                    "home.exam_scored_below", models=exam.models, unread=exam.unread,
                    absent=exam.absent,
                ),
            ),
            *best,
        ]
    )  # fmt: skip
    st.page_link("pages/exams.py", label=p.t("home.exam_go", name=exam.dataset), icon=None)


def _draw_own_work(p: Page, queue: Queue) -> None:
    show_cards(
        [
            (
                p.t("home.own_scores"), f"{queue.scored:,}",
                p.t("home.own_scores_below", n=queue.total),
            )
        ]
    )  # fmt: skip
    key = "home.step.score" if queue.left else "home.own_done"
    _draw_next(p, p.t(key, n=queue.left), "pages/review.py")


def _draw_next(p: Page, step: str, target: str) -> None:
    """What to do now, and the way there."""
    with st.container(border=True, key=p.key("next", "step")):
        st.html(f"<b>{p.t('home.next')}</b> {step}")
        st.page_link(target, label=p.t("home.go"))


def _counts(p: Page, survey: Survey) -> list[tuple[str, str, str]]:
    counts = survey.counts
    return [
        (
            p.t("home.questions"), f"{counts.questions:,}",
            p.t("home.conversations", n=counts.conversations),
        ),
        (
            p.t("home.responses"), f"{counts.present:,}",
            p.t("home.responses_below", models=counts.models, absent=counts.absent),
        ),
        (
            p.t("home.scores"), f"{survey.human_scores:,}",
            p.t("home.scores_below", n=survey.physicians),
        ),
    ]  # fmt: skip


def _draw_judge(p: Page, standing: JudgeStanding) -> None:
    left = standing.progress
    found = standing.comparison
    st.html(f"<h3>{p.t('home.judge')} {html.escape(standing.judge.name)}</h3>")
    if standing.judge.engine == "baseline":
        st.html(f'<div class="quiet">{p.t("shell.baseline")}</div>')
    show_cards(
        [
            (
                p.t("home.judged"), f"{left.judged:,}",
                p.t(
                    "home.judged_below", unscored=left.unscored, outstanding=left.outstanding,
                    absent=left.absent,
                ),
            ),
            (
                p.t("words.agreement"), percent(p, found.usable.agreement),
                p.t("home.agreement_below", n=found.usable.agreement.n, out=found.undecided),
            ),
            (
                "Cohen κ", coefficient(p, found.usable.coefficients["cohen_kappa"]),
                p.t("home.kappa_below", n=found.usable.agreement.n),
            ),
            (
                p.t("words.false_usable"), f"{standing.false_usable}",
                p.t(
                    "home.false_usable_below", share=percent(p, found.false_usable),
                    n=found.false_usable.n,
                ),
            ),
        ]
    )  # fmt: skip

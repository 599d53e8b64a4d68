"""The sheet of one case: texts, people's scores, judges' verdicts with what was said."""

import html

import streamlit as st

from core.services.inspecting import Inspected
from core.store.assessments import MachineScore, exchange_texts
from core.store.marks import RequirementMark
from core.ui.clinical import show_response, show_text
from core.ui.figures import show_label
from core.ui.reveal import draw_marks_given, said
from core.ui.sheet import draw_criteria
from core.ui.shell import Page


def draw_response(p: Page, found: Inspected) -> None:
    """Question, earlier turns, response, and what it is measured by."""
    question, response = found.question, found.response
    facets = [
        question.key, p.t(f"category.{question.category}"), question.category2, question.scene,
        p.t("case.sample", model=response.model, n=response.sample),
        p.t("case.version", n=found.active.version),
    ]  # fmt: skip
    st.html(f'<div class="quiet">{html.escape(" · ".join(one for one in facets if one))}</div>')
    left, right = st.columns([3, 2])
    with left:
        for number, turn in enumerate(found.earlier_turns, 1):
            with st.expander(p.t("review.earlier_turn", n=number)):
                show_text(turn.question)
                show_text(turn.response, kind="quote")
        show_label(p.t("words.question"))
        show_text(found.active.criteria.question_text)
        show_label(p.t("words.response"))
        if response.text is None:
            show_text(p.t(f"absent.{response.absent_because}"), kind="note")
        else:
            raw = st.toggle(p.t("case.raw"), key=p.key(response.id, "raw"))
            show_response(response.text, raw=raw)
        _draw_generation(p, found)
    with right:
        draw_criteria(p, found.active.criteria.reference_answer, found.active.criteria.checklist)


def _draw_generation(p: Page, found: Inspected) -> None:
    """How the response came about, and what its model thought."""
    how = found.generation
    if how is None:
        return
    if how.finish_reason == "length" and found.response.text is not None:
        st.html(f'<div class="banner">{p.t("review.cut")}</div>')
    parameters = ", ".join(f"{name} {value}" for name, value in how.parameters.items())
    line = p.t(
        "case.generated", source=how.source, engine=p.t(f"engine.{how.engine}"),
        revision=how.revision or "–", tokens=how.reply_tokens or 0, seconds=how.seconds,
        parameters=parameters,
    )  # fmt: skip
    st.html(f'<div class="quiet">{html.escape(line)}</div>')
    if how.reasoning:
        with st.expander(p.t("case.reasoning")):
            show_text(how.reasoning, kind="note")


def draw_people(p: Page, found: Inspected) -> None:
    """Every score by a person, corrections included."""
    st.html(f"<h3>{p.t('words.physicians')}</h3>")
    if not found.scores:
        st.html(f'<div class="quiet">{p.t("case.no_scores")}</div>')
    for score in found.scores:
        value = said(p, score)
        line = p.t(
            "case.score", person=score.person, score=value, phase=p.t(f"phase.{score.phase}"),
            version=score.criteria_version, time=_time(score.created_at),
        )  # fmt: skip
        risk = f' <span class="danger">⚑ {p.t("words.safety_risk")}</span>'
        st.html(html.escape(line) + (risk if score.safety_risk else ""))
        if score.comment:
            show_text(score.comment, kind="quote")
        if score.reason:
            show_text(p.t("case.reason", reason=score.reason), kind="note")
        draw_marks_given(found.marks.get(score.id, []))
    for cause in found.causes:
        line = p.t(
            "cause.line", person=cause.person, cause=p.t(f"cause.{cause.cause}"),
            version=cause.criteria_version, time=_time(cause.created_at),
        )  # fmt: skip
        st.html(html.escape(line))
        if cause.comment:
            show_text(cause.comment, kind="quote")


def draw_verdicts(p: Page, found: Inspected) -> None:
    """Every verdict by a judge, with the prompt and the reply as they were."""
    st.html(f"<h3>{p.t('words.judges')}</h3>")
    if not found.verdicts:
        st.html(f'<div class="quiet">{p.t("case.no_verdicts")}</div>')
    for verdict in found.verdicts:
        _draw_verdict(p, verdict, found.marks.get(verdict.id, []))


def _draw_verdict(p: Page, verdict: MachineScore, marks: list[RequirementMark]) -> None:
    said = p.t("words.unscored") if verdict.value is None else str(verdict.value)
    line = p.t(
        "case.verdict", judge=verdict.judge, score=said, round=verdict.round,
        version=verdict.criteria_version, prompt=verdict.prompt_version,
        time=_time(verdict.created_at),
    )  # fmt: skip
    old = "" if verdict.is_active else f" · {p.t('case.superseded')}"
    risk = f' <span class="danger">⚑ {p.t("words.safety_risk")}</span>'
    st.html(html.escape(line + old) + (risk if verdict.safety_risk else ""))
    if verdict.unscored_because:
        show_text(p.t(f"unscored.{verdict.unscored_because}"), kind="note")
    if verdict.rationale:
        show_text(verdict.rationale, kind="quote")
    draw_marks_given(marks)
    if verdict.exchange_id is not None:
        with st.expander(p.t("case.exchange")):
            prompt, reply = exchange_texts(p.store, verdict.exchange_id)
            show_label(p.t("case.prompt"))
            show_text(prompt or p.t("case.no_prompt"))
            show_label(p.t("case.reply"))
            show_text(reply)


def _time(utc: str) -> str:
    """A stored UTC time, to the minute."""
    return f"{utc[:16].replace('T', ' ')} UTC"

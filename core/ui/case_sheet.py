"""The sheet of one case: texts, people's scores, judges' verdicts with what was said."""

import html

import streamlit as st

from core.services import sealing
from core.services.inspecting import Inspected
from core.store.database import Store
from core.store.exchanges import Exchange, conversation_of
from core.store.judge_rounds import MachineScore
from core.store.marks import RequirementMark
from core.ui.clinical import show_response, show_text
from core.ui.figures import show_label
from core.ui.reveal import draw_marks_given, said
from core.ui.sheet import draw_criteria
from core.ui.shell import Page, entered

_SIDES = {True: "words.usable", False: "words.unusable"}
#: Reasons whose detail is the field or value at fault; of the others it is the whole reply.
_WITH_VALUE = ("missing_field", "not_an_integer", "out_of_range", "wrong_ticket")


def draw_response(p: Page, found: Inspected, *, is_named: bool) -> None:
    """Question, earlier turns, response, and what it is measured by; the model only if named."""
    question, response = found.question, found.response
    model = response.model if is_named else p.t("case.model_hidden")
    facets = [
        question.key, p.named("category", question.category), question.category2, question.scene,
        p.t("case.sample", model=model, n=response.sample),
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
            show_text(p.named("absent", response.absent_because), kind="note")
        else:
            raw = st.toggle(p.t("case.raw"), key=p.key(response.id, "raw"))
            show_response(response.text, raw=raw)
        _draw_generation(p, found, is_named=is_named)
    criteria = found.active.criteria
    with right:
        if found.closed is None:
            draw_criteria(p, criteria.reference_answer, criteria.checklist)
        else:
            show_label(p.t("words.reference_answer"))
            show_text(criteria.reference_answer or p.t("unscored.no_right_answer"))
            show_text(p.t("exams.by_key"), kind="note")


def draw_seal(p: Page, found: Inspected) -> None:
    """End the page of a case that tests revisions, unless somebody opens it with a reason."""
    place = sealing.closed_to(p.store, p.study, p.person, found.response.id)
    if place is None:
        return
    st.html(f'<div class="banner">{html.escape(p.t(f"case.closed.{place}"))}</div>')
    why = p.key(found.response.id, "opening")
    reason, press = st.columns([5, 2], vertical_alignment="bottom")
    reason.text_input(p.t("checklists.opening_reason"), key=why, max_chars=500)
    press.button(
        p.t("checklists.open"), key=p.key(found.response.id, "open"), width="stretch",
        on_click=p.act(_open, p, found, place, why),
    )  # fmt: skip
    st.stop()


def _open(store: Store, p: Page, found: Inspected, place: str, why: str) -> None:
    reason, by = entered()[why], p.person.name
    if place == "held_out":
        sealing.open_question(store, p.study, found.question, reason=reason, by=by)
    else:
        sealing.open_response(store, p.study, found.response.id, reason=reason, by=by)


def _draw_generation(p: Page, found: Inspected, *, is_named: bool) -> None:
    """How the response came about, and what its model thought, which would tell who it is."""
    how = found.generation
    if how is None:
        return
    if how.finish_reason == "length" and found.response.text is not None:
        st.html(f'<div class="banner">{p.t("review.cut")}</div>')
    if not is_named:
        return
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


def draw_choice(p: Page, found: Inspected) -> None:
    """What was read of an answer to a closed question, beside the right options."""
    assert found.closed is not None
    right = found.closed.right or p.t("exams.no_right")
    read = found.choice
    if read is None:
        show_text(p.t("exams.not_scored"), kind="note")
    elif read.value is None:
        because = p.named("unscored", read.unscored_because)
        show_text(f"{p.t('exams.unread_case', right=right)} {because}", kind="note")
        if read.detail:
            show_text(read.detail, kind="quote")
    else:
        side = "exams.is_right" if read.value else "exams.is_wrong"
        show_text(p.t(side, chosen=read.chosen, right=right))


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
            show_text(p.t("case.reason", reason=p.written(score.reason)), kind="note")
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
    for name, reading in found.readings:
        side = "words.unscored" if reading.usable is None else _SIDES[reading.usable]
        line = p.t("case.reading", judge=name, mean=reading.mean or 0.0, side=p.t(side))
        if reading.spread:
            line += " · " + p.t("case.spread", n=reading.spread)
        mark = f" · <b>{p.t('case.unstable')}</b>" if reading.is_unstable else ""
        st.html(html.escape(line) + mark)
    for verdict in found.verdicts:
        _draw_verdict(p, verdict, found.marks.get(verdict.id, []), found.response.text or "")


def _draw_verdict(
    p: Page, verdict: MachineScore, marks: list[RequirementMark], response: str
) -> None:
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
        because = p.named("unscored", verdict.unscored_because)
        names_it = verdict.unscored_because in _WITH_VALUE
        show_text(f"{because} {verdict.detail}" if names_it else because, kind="note")
    if verdict.rationale:
        show_text(verdict.rationale, kind="quote")
    if marks:
        with st.expander(_counts_line(p, marks)):
            for mark in marks:
                _draw_mark(p, mark, response)
    if verdict.exchange_id is not None:
        with st.expander(p.t("case.exchange")):
            for exchange in conversation_of(p.store, verdict.exchange_id):
                _draw_exchange(p, exchange)


def _counts_line(p: Page, marks: list[RequirementMark]) -> str:
    """How many requirements the judge found met, partly met and not met."""
    given = [mark.mark for mark in marks]
    return p.t(
        "case.marks", n=len(given), met=given.count("met"), partly=given.count("partly"),
        not_met=given.count("not_met"),
    )  # fmt: skip


def _draw_mark(p: Page, mark: RequirementMark, response: str) -> None:
    """A requirement with the judge's mark, and the words that are to show it."""
    show_label(
        p.t(
            "case.mark", number=mark.number, level=p.t(f"level.{mark.level}"),
            mark=p.t(f"mark.{mark.mark}"),
        )
    )  # fmt: skip
    show_text(mark.text)
    if mark.quote:
        show_text(mark.quote, kind="quote")
        if mark.quote not in response:
            show_text(p.t("case.quote_not_found"), kind="note")


def _draw_exchange(p: Page, said: Exchange) -> None:
    """What was sent and what came back; the second time, why."""
    show_label(p.t("case.prompt") if said.ask == 1 else p.t("case.asked_again"))
    show_text(said.prompt or p.t("case.no_prompt"))
    show_label(p.t("case.reply"))
    show_text(said.reply)


def _time(utc: str) -> str:
    """A stored UTC time, to the minute."""
    return f"{utc[:16].replace('T', ' ')} UTC"

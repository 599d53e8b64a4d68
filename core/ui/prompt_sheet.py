"""Judge prompts on the screen: versions, an editor, a preview, a comparison, and activation."""

import html
from pathlib import Path

import streamlit as st

from core.domain.prompts import missing_placeholders
from core.services import prompting, sealing, testing
from core.services.revising_worklist import prompt_worklist
from core.store import prompts, questions, responses
from core.store.database import Store
from core.store.people import Person
from core.store.prompts import PromptVersion, Serving
from core.store.tested import Reading
from core.ui.address import link_to, one_of, one_of_many
from core.ui.clinical import show_text
from core.ui.decision_sheet import draw_decision
from core.ui.diffs import SIDES, show_sides
from core.ui.figures import Cell, show_grid, show_label
from core.ui.shell import Page, entered
from core.ui.suggestion_sheet import draw_text_suggestions
from core.ui.trial_sheet import draw_trial

_LANGUAGES = {"en": "English", "zh": "中文"}
_HERE = Path(__file__).resolve().parent


def draw_choice(p: Page) -> list[PromptVersion]:
    """Choose a category and a language; the versions of their prompt, newest first."""
    st.html(_HERE / "prompts.css")
    script = (_HERE / "placeholders.js").read_text(encoding="utf-8")
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)
    category = one_of_many(
        p, "category", prompting.categories(p.store), label=p.t("words.category"),
        shown=lambda code: _category(p, code),
    )  # fmt: skip
    languages = prompting.languages_of(p.store, category)
    language = one_of(
        p, "prompt-language", languages, label=p.t("prompts.language"),
        shown=_LANGUAGES.__getitem__, first=p.language if p.language in languages else None,
        is_labelled=True,
    )  # fmt: skip
    return prompts.versions(p.store, category, language)


def draw_worklist(p: Page) -> None:
    """Where the newest judge differs most, of what revisers see; each opens its prompt."""
    known = prompting.judges_that_read(p.store, p.study)
    if not known:
        return
    judge, rounds = known[-1]
    show_label(p.t("prompts.worklist", judge=judge.name))
    rows = [
        [
            Cell(
                f"{one.category} {_LANGUAGES[one.language]}",
                link_to("prompts", category=one.category, **{"prompt-language": one.language}),
            ),
            Cell(str(one.false_usable), is_danger=bool(one.false_usable)),
            Cell(f"{one.differ}/{one.scored}"),
        ]
        for one in prompt_worklist(p.store, p.study, judge, rounds)
    ]  # fmt: skip
    show_grid(p, "prompt-worklist", ["", "▲", "≠"], rows)


def draw_versions(p: Page, versions: list[PromptVersion], serving: list[Serving]) -> None:
    """Who wrote each version, when and why, and which judges of the study it serves."""
    show_label(p.t("prompts.versions"))
    rows = []
    for one in versions:
        served = [other.judge for other in serving if other.prompt_id == one.id]
        line = p.t(
            "prompts.version", n=one.version, by=one.created_by,
            time=one.created_at[:16].replace("T", " "),
        )  # fmt: skip
        serves = p.t("prompts.serves", judges=", ".join(served)) if served else ""
        rows.append(
            f'<div class="{"serves" if served else ""}">{html.escape(line)}'
            f'<div class="quiet">{html.escape(p.written(one.reason))}</div>'
            f"<div>{html.escape(serves)}</div></div>"
        )
    st.html(f'<div class="versions">{"".join(rows)}</div>')


def draw_editor(p: Page, versions: list[PromptVersion]) -> str:
    """The newest version's text, to be changed with a reason; the text as it stands now."""
    newest = versions[0]
    keys = {field: p.key(newest.id, field) for field in ("text", "reason")}
    text = st.text_area(
        p.t("prompts.text", n=newest.version), value=newest.text, key=keys["text"], height=330
    )
    marks = "".join(
        _mark(name, count, is_repeatable=name == "marker")
        for name, count in prompting.placeholder_counts(text).items()
    )
    st.html(f'<div class="placeholders">{marks}</div>')
    reason, save = st.columns([5, 2], vertical_alignment="bottom")
    reason.text_input(p.t("prompts.reason"), key=keys["reason"], max_chars=500)
    save.button(
        p.t("prompts.save"), key=p.key(newest.id, "save"), type="primary", width="stretch",
        on_click=p.act(_save, p.person, newest, keys),
    )  # fmt: skip
    st.html(f'<div class="quiet">{html.escape(p.t("prompts.save_note"))}</div>')
    return text


def draw_suggestions(p: Page, newest: PromptVersion, text: str) -> None:
    """Changes that a model suggests from the disagreements of a judge that the prompt serves."""
    known = {judge.name: judge for judge, _ in prompting.judges_that_read(p.store, p.study)}
    if not known:
        st.info(p.t("prompts.no_judge"))
        return
    name = st.selectbox(p.t("suggest.of"), list(known), key=p.key("suggest", "judge"))
    draw_text_suggestions(p, known[name], newest, text, p.key(newest.id, "text"))


def draw_preview(p: Page, prompt: PromptVersion, text: str) -> None:
    """The text of the editor, filled with a response of this study, as a judge would get it."""
    answered = {
        question.key: answers
        for question in questions.questions_of_study(p.store, p.study.id)
        if (question.category, question.language) == (prompt.category, prompt.language)
        and (answers := _answers(p.store, question.id))
    }
    if not answered:
        st.info(p.t("prompts.nothing_to_preview"))
        return
    which, number = st.columns([3, 2])
    key = which.selectbox(
        p.t("words.question"), list(answered), key=p.key(f"{prompt.category}{prompt.language}", "q")
    )
    ids = answered[key]
    place = number.selectbox(
        p.t("words.response"), range(len(ids)), key=p.key(key, "response"),
        format_func=lambda at: p.t("prompts.nth_response", n=at + 1, total=len(ids)),
    )  # fmt: skip
    if missing_placeholders(text):
        st.info(p.t("prompts.incomplete"))
        return
    response = responses.response_by_id(p.store, ids[place])
    assert response is not None
    shown = prompting.preview(p.store, p.study, text, response)
    st.html(
        '<div class="quiet">'
        + p.t("prompts.size", tokens=shown.tokens, characters=len(shown.text))
        + "</div>"
    )
    with st.container(key="prompts-box-preview"):
        show_text(shown.text)


def draw_comparison(p: Page, versions: list[PromptVersion]) -> None:
    """Two versions side by side, with the words that changed."""
    if len(versions) < 2:
        st.info(p.t("prompts.one_version"))
        return
    by_number = {one.version: one for one in versions}
    identity = f"{versions[0].category}{versions[0].language}{len(versions)}"
    chosen = []
    for side, column, default in zip(SIDES, st.columns(2), (1, 0), strict=True):
        number = column.selectbox(
            p.t(f"prompts.{side}"), list(by_number), index=default, key=p.key(identity, side),
            format_func=lambda n: p.t("prompts.version_number", n=n),
        )  # fmt: skip
        chosen.append(by_number[number])
    whole = st.toggle(p.t("prompts.whole"), key=p.key(identity, "whole"))
    with st.container(key="prompts-box-comparison"):
        show_sides(p, chosen[0].text, chosen[1].text, whole=whole)


def draw_activation(p: Page, versions: list[PromptVersion], serving: list[Serving]) -> None:
    """Let a version serve a judge, after saying what that makes outstanding."""
    known = {judge.name: (judge, rounds) for judge, rounds in prompting.judges_that_read(
        p.store, p.study
    )}  # fmt: skip
    if not known:
        st.info(p.t("prompts.no_judge"))
        return
    by_number = {one.version: one for one in versions}
    who, which = st.columns([3, 2])
    name = who.selectbox(p.t("words.judge"), list(known), key=p.key("activation", "judge"))
    identity = f"{versions[0].category}{versions[0].language}{len(versions)}-{known[name][0].id}"
    number = which.selectbox(
        p.t("prompts.version_word"), list(by_number), key=p.key(identity, "version"),
        format_func=lambda n: p.t("prompts.version_number", n=n),
    )  # fmt: skip
    prompt = by_number[number]
    judge, rounds = known[name]
    if any(one.prompt_id == prompt.id and one.judge == name for one in serving):
        st.html(html.escape(p.t("prompts.serves_already", judge=name, version=number)))
        return
    effect = prompting.effect_of(p.store, p.study, judge, rounds, prompt)
    said = p.t(
        "prompts.effect", responses=effect.responses, rounds=effect.rounds,
        judged=effect.judged, outstanding=effect.outstanding,
    )  # fmt: skip
    st.html(f"<b>{html.escape(said)}</b>")
    st.html(f'<div class="quiet">{html.escape(p.t("prompts.effect_note"))}</div>')
    draw_trial(p, judge, prompt)
    draw_decision(p, judge, prompt)


def draw_tested(p: Page, versions: list[PromptVersion]) -> None:
    """Every prompt that served a judge: its agreement on what was seen and on what was held out."""
    known = [judge for judge, _ in prompting.judges_that_read(p.store, p.study)]
    newest = versions[0]
    rows = [
        [
            Cell(judge.name), Cell(str(one.version)), _reading(p, one.dev),
            _reading(p, one.held_out), Cell(one.created_by),
            Cell(one.created_at[:16].replace("T", " ")), Cell(p.written(one.reason)),
        ]
        for judge in known
        for one in testing.history_of(
            p.store, p.study, judge, newest.category, newest.language, by=p.person.name
        )
    ]  # fmt: skip
    if not rows:
        st.info(p.t("prompts.no_judge"))
        return
    show_grid(
        p, f"tested-{newest.category}-{newest.language}",
        [p.t("words.judge"), p.t("prompts.version_word"), p.t("prompts.dev"),
         p.t("prompts.held_out"), p.t("prompts.author"), p.t("prompts.time"),
         p.t("prompts.reason_word")],
        rows,
    )  # fmt: skip
    st.html(f'<div class="quiet">{html.escape(p.t("prompts.tested_note"))}</div>')
    openings = sealing.openings_of(p.store, p.study)
    if openings:
        show_label(p.t("prompts.openings", n=len(openings)))
        for one in openings:
            subject = f"{one.subject} {one.model}".rstrip()
            line = f"{one.created_at[:16].replace('T', ' ')} · {one.created_by} · {subject}"
            show_text(f"{line}: {p.written(one.reason)}", kind="note")


def _reading(p: Page, found: Reading | None) -> Cell:
    """κ with its interval, n, and the false usable with their sign."""
    if found is None:
        return Cell(p.t("prompts.not_read"))
    if found.kappa is None:
        return Cell(f"– (n {found.n})")
    interval = ""
    if found.kappa_low is not None and found.kappa_high is not None:
        interval = f" [{found.kappa_low:.2f}, {found.kappa_high:.2f}]"
    danger = f" ▲{found.false_usable}" if found.false_usable else ""
    return Cell(f"κ {found.kappa:.2f}{interval}, n {found.n}{danger}")


def draw_all(p: Page, serving: list[Serving]) -> None:
    """One row for every version of every prompt."""
    rows = [
        {
            p.t("words.category"): _category(p, one.category),
            p.t("prompts.language"): _LANGUAGES[one.language],
            p.t("prompts.version_word"): one.version,
            p.t("prompts.author"): one.created_by,
            p.t("prompts.time"): one.created_at[:16].replace("T", " "),
            p.t("prompts.reason_word"): p.written(one.reason),
            p.t("words.judges"): ", ".join(
                other.judge for other in serving if other.prompt_id == one.id
            ),
        }
        for one in prompts.all_versions(p.store)
    ]
    st.dataframe(rows, hide_index=True, width="stretch")


def _category(p: Page, code: str) -> str:
    """A category as the study writes it, and what that stands for where it is one of ours."""
    named = p.named("category", code)
    return code if named == code else f"{code} {named}"


def _mark(name: str, count: int, *, is_repeatable: bool) -> str:
    state = "missing" if count == 0 else "repeated" if count > 1 and not is_repeatable else "once"
    many = "true" if is_repeatable else "false"
    return f'<code data-state="{state}" data-count="{count}" data-many="{many}">{{{name}}}</code>'


def _answers(store: Store, question_id: int) -> list[int]:
    """Ids of a question's responses that have a text; in an order that names no model."""
    found = responses.responses_to_question(store, question_id)
    return sorted(one.id for one in found if one.text is not None)


def _save(store: Store, person: Person, edited: PromptVersion, keys: dict[str, str]) -> None:
    state = entered()
    prompting.add_prompt(
        store, edited.category, edited.language, state[keys["text"]],
        reason=state[keys["reason"]], by=person.name, based_on=edited.version,
    )  # fmt: skip

"""The worklist, and the editor of a question's criteria."""

import html
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.domain.checklists import carried, list_field
from core.domain.criteria import Criteria, requirements_of
from core.services import revising, sealing
from core.services.revising_worklist import Entry
from core.store import criteria
from core.store.criteria import CriteriaVersion
from core.store.database import Store
from core.store.people import Person
from core.store.questions import Question
from core.store.studies import Study
from core.ui.clinical import show_text
from core.ui.figures import show_label
from core.ui.requirement_table import draw_rows, forget_rows, table_text
from core.ui.shell import Page, entered

FIELDS = ("checklist", "reference_answer", "question_text")
#: Questions that the worklist shows at once; the others are found by their key.
_AT_ONCE = 7
_VIEWS = ("edit", "try", "compare", "all")
_LABELS = {
    "checklist": "words.checklist",
    "reference_answer": "words.reference_answer",
    "question_text": "words.question",
}


@dataclass(frozen=True, slots=True)
class Editing:
    """What an editor starts from.

    Attributes:
        active: the version in use.
        start: the version whose texts are on the screen: the one in use, or a later candidate.
        newest: number of the newest version that there was.
    """

    question: Question
    active: CriteriaVersion
    start: CriteriaVersion
    newest: int


def draw_worklist(p: Page, entries: dict[str, Entry], held_out: list[str]) -> str:
    """Choose a question, the most harmful first; the choice is kept in the address."""
    asked = st.query_params.get("question", "")
    keys = list(entries)[:_AT_ONCE]
    known = asked in entries or asked in held_out
    chosen = asked if known else keys[0]
    if chosen in entries and chosen not in keys:
        keys = [chosen, *keys[:-1]]
    labels = {key: _label(p, entries[key]) for key in keys}
    captions = [_caption(p, entries[key]) for key in keys]
    show_label(p.t("checklists.worklist", n=len(entries)))
    # A choice is kept by its label, and the labels' counts change: new labels, new widget.
    widget = p.key(hash(tuple(labels.values())), "question")
    st.session_state[widget] = chosen if chosen in keys else None
    st.radio(
        p.t("checklists.worklist", n=len(entries)), keys, key=widget, captions=captions,
        format_func=labels.__getitem__, label_visibility="collapsed",
        on_change=_choose, args=(widget, view_key(p)),
    )  # fmt: skip
    show_label(p.t("checklists.legend"))
    other = p.key("any", "other")
    st.selectbox(
        p.t("checklists.other"), [*entries, *held_out], index=None, key=other,
        placeholder=p.t("checklists.other_hint"), on_change=_choose, args=(other, view_key(p)),
        kwargs={"is_forgotten": True},
    )  # fmt: skip
    st.query_params["question"] = chosen
    return chosen


def draw_views(p: Page) -> str:
    """The steps of a revision; the choice is kept in the address."""
    asked = st.query_params.get("view", "")
    st.session_state.setdefault(view_key(p), asked if asked in _VIEWS else _VIEWS[0])
    view = st.segmented_control(
        p.t("checklists.views"), _VIEWS, key=view_key(p), required=True,
        format_func=lambda name: p.t(f"checklists.view.{name}"), label_visibility="collapsed",
    )  # fmt: skip
    assert view is not None  # one is always chosen
    st.query_params["view"] = view
    return view


def draw_sealed(p: Page, question: Question) -> None:
    """A held-out question: why it is closed, and the way to open it, which is recorded."""
    st.html(f"<h2>{html.escape(question.key)}</h2>")
    st.info(p.t("checklists.sealed", key=question.key))
    why = p.key(question.key, "opening")
    st.text_input(p.t("checklists.opening_reason"), key=why, max_chars=500)
    st.button(
        p.t("checklists.open"), key=p.key(question.key, "open"),
        on_click=p.act(_open, p.study, p.person, question, why),
    )  # fmt: skip


def editing_of(p: Page, question: Question, undecided: CriteriaVersion | None) -> Editing:
    """What the editor of a question starts from; while something is typed, what it started from."""
    now = _editing(p.store, p.study, question, undecided)
    before: Editing | None = p.kept.get(_editing_name(p, question))
    if before is not None and entered_criteria(p, before) != before.start.criteria:
        return before
    p.kept[_editing_name(p, question)] = now
    return now


def draw_editor(p: Page, editing: Editing, *, answered: int) -> None:
    """The texts, to be changed with a reason; requirements as rows or as text.

    Args:
        answered: how many responses there are to the question.
    """
    listed = list_field(editing.start.criteria)
    texts = {field: _draft(p, editing, field) for field in FIELDS}
    _draw_question(editing)
    show_label(_title(p, editing, listed))
    may_table = not texts[listed].strip() or bool(requirements_of(texts[listed]))
    mode_key = p.key(editing.start.id, "mode")
    modes = ["table", "text"] if may_table else ["text"]
    mode = st.segmented_control(
        p.t("checklists.mode"), modes, default=modes[0], key=mode_key, required=True,
        format_func=lambda name: p.t(f"checklists.as_{name}"), label_visibility="collapsed",
        on_change=_switched, args=(p, editing),
    )  # fmt: skip
    if mode == "table":
        texts[listed] = _draw_table(p, editing, listed, texts[listed])
    else:
        texts[listed] = _draw_text(p, editing, listed, height=230)
        if not may_table:
            st.html(f'<div class="quiet">{html.escape(p.t("checklists.only_text"))}</div>')
    others = [field for field in FIELDS if field != listed]
    with st.expander(p.t("checklists.other_texts")):
        for field in others:
            texts[field] = _draw_text(p, editing, field, height=140)
    revised = replace(editing.start.criteria, **texts)
    _draw_carried(p, editing, revised)
    if revised.question_text != editing.active.criteria.question_text:
        st.warning(p.t("checklists.makes_stale", n=answered))
    _draw_save(p, editing)


def entered_criteria(p: Page, editing: Editing) -> Criteria:
    """The texts as they stand in the editor."""
    texts = {field: _entered(p, editing, field) for field in FIELDS}
    listed = list_field(editing.start.criteria)
    if entered().get(p.key(editing.start.id, "mode")) == "table":
        base = _draft(p, editing, listed)
        found = table_text(p, _subject(editing), base, editing.question.language)
        texts[listed] = base if found is None else found
    return replace(editing.start.criteria, **texts)


def take_draft(p: Page, editing: Editing, text: str) -> None:
    """Put a text where the requirements stand, as if somebody had typed it."""
    listed = list_field(editing.start.criteria)
    p.kept[_draft_name(p, editing, listed)] = text
    st.session_state.pop(p.key(editing.start.id, listed), None)
    forget_rows(p, _subject(editing))


def _draw_question(editing: Editing) -> None:
    with st.container(key="checklists-question"):
        show_text(editing.start.criteria.question_text)


def _title(p: Page, editing: Editing, listed: str) -> str:
    name = p.t(_LABELS[listed])
    if editing.start.id != editing.active.id:
        said = p.t("checklists.from_candidate", name=name, n=editing.start.version)
    else:
        said = p.t("checklists.from_active", name=name, n=editing.active.version)
    return f"{editing.question.key} · {said}"


def _draw_table(p: Page, editing: Editing, field: str, text: str) -> str:
    subject = _subject(editing)
    draw_rows(p, subject, text)
    found = table_text(p, subject, text, editing.question.language)
    if found is None:
        st.html(f'<div class="quiet">{html.escape(p.t("checklists.row_unreadable"))}</div>')
        return text
    return found


def _draw_text(p: Page, editing: Editing, field: str, *, height: int) -> str:
    key = p.key(editing.start.id, field)
    return st.text_area(
        p.t(_LABELS[field]), value=_draft(p, editing, field), key=key, height=height,
        on_change=_typed, args=(p.kept, _draft_name(p, editing, field), key),
    )  # fmt: skip


def _draw_carried(p: Page, editing: Editing, revised: Criteria) -> None:
    """What was read, and whose marks stay."""
    found = revised.requirements
    core = sum(one.level == "core" for one in found)
    said = p.t("checklists.read_as", core=core, secondary=len(found) - core)
    if revised != editing.active.criteria:
        moved = carried(editing.active.criteria, revised)
        kept = p.t(
            "checklists.carried", kept=len(moved.kept), added=len(moved.added),
            removed=len(moved.removed),
        )  # fmt: skip
        said = p.joined(said, kept)
    if revised.checklist.strip() and not found:
        st.warning(p.t("checklists.none_recognised"))
    st.html(f'<div class="quiet">{html.escape(said)}</div>')


def _draw_save(p: Page, editing: Editing) -> None:
    why = p.key(editing.start.id, "reason")
    reason, save = st.columns([5, 3], vertical_alignment="bottom")
    reason.text_input(p.t("checklists.reason"), key=why, max_chars=500)
    save.button(
        p.t("checklists.save"), key=p.key(editing.start.id, "save"), type="primary",
        width="stretch", on_click=p.act(_save, p, editing, why),
    )  # fmt: skip


def _label(p: Page, entry: Entry) -> str:
    parts = [entry.key]
    for sign, count in (
        ("▲", entry.false_usable), ("≠", entry.differ), ("~", entry.unstable), ("↻", entry.pending),
    ):  # fmt: skip
        if count:
            parts.append(f"{sign} {count}")
    return " · ".join(parts)


def _caption(p: Page, entry: Entry) -> str:
    """What physicians said, and whether what is revised can be verified."""
    parts = [f"{p.t(f'cause.{cause}')} {n}" for cause, n in entry.causes.items()]
    if entry.notes:
        parts.append(p.t("checklists.notes", n=entry.notes))
    if entry.scored and not entry.check:
        parts.append(p.t("checklists.not_verifiable"))
    return " · ".join(parts)


def _subject(editing: Editing) -> str:
    return f"{editing.start.id}-table"


def _draft_name(p: Page, editing: Editing, field: str) -> str:
    return p.key(f"{editing.start.id}-{field}", "draft")


def _draft(p: Page, editing: Editing, field: str) -> str:
    """What was typed last into a field, else what its version says."""
    found: str = p.kept.get(_draft_name(p, editing, field), getattr(editing.start.criteria, field))
    return found


def _entered(p: Page, editing: Editing, field: str) -> str:
    found: str = entered().get(p.key(editing.start.id, field), _draft(p, editing, field))
    return found


def _typed(kept: dict[str, Any], name: str, key: str) -> None:
    kept[name] = entered()[key]


def _switched(p: Page, editing: Editing) -> None:
    """Carry what was typed from the table into the text, or the other way."""
    listed = list_field(editing.start.criteria)
    if entered()[p.key(editing.start.id, "mode")] == "text":
        base = _draft(p, editing, listed)
        found = table_text(p, _subject(editing), base, editing.question.language)
        p.kept[_draft_name(p, editing, listed)] = base if found is None else found
    forget_rows(p, _subject(editing))


def view_key(p: Page) -> str:
    """The key of the widget that says which step is on the screen."""
    return p.key(p.study.id, "view")


def _choose(widget: str, view: str, *, is_forgotten: bool = False) -> None:
    """Put a question on the screen, with its first step."""
    chosen = entered()[widget]
    if chosen is not None:
        st.query_params["question"] = chosen
        st.session_state[view] = "edit"
    if is_forgotten:
        st.session_state[widget] = None


def _open(store: Store, study: Study, person: Person, question: Question, why: str) -> None:
    sealing.open_question(store, study, question, reason=entered()[why], by=person.name)


def _save(store: Store, p: Page, editing: Editing, why: str) -> None:
    """Store what is in the editor; who is told that somebody was faster has seen it by then."""
    name, revised = _editing_name(p, editing.question), entered_criteria(p, editing)
    now = _editing(store, p.study, editing.question, None)
    p.kept[name] = replace(editing, active=now.active, newest=now.newest)
    revising.propose(
        store, p.study, editing.question, revised, based_on=editing.active.id,
        newest=editing.newest, reason=entered()[why], by=p.person.name,
    )  # fmt: skip
    del p.kept[name]
    for field in FIELDS:
        p.kept.pop(_draft_name(p, editing, field), None)
    forget_rows(p, _subject(editing))
    st.session_state[view_key(p)] = "try"


def _editing(
    store: Store, study: Study, question: Question, undecided: CriteriaVersion | None
) -> Editing:
    active = criteria.active_version(store, study.id, question.id)
    newest = criteria.versions(store, question.id)[-1].version
    return Editing(question, active, undecided or active, newest)


def _editing_name(p: Page, question: Question) -> str:
    return p.key(question.id, "editing")

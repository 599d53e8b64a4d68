"""Open a page: database, sign-in, language, study, navigation, and errors as sentences.

Every page opens itself, because on a fresh server a deep link runs a page without `app.py`.
"""

import gc
import html
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.domain.questions import Language
from core.domain.rights import PAGES
from core.errors import AttendingError, DatabaseRefused, NotAllowed
from core.i18n import LANGUAGES, error_sentence, has_key, sentence, written_reason
from core.services.opening import ensure_sample, ensure_workbench, wait_for_job
from core.services.permitting import require_page, rights_of_actor
from core.services.queueing import ensure_worker
from core.store import people, studies
from core.store.database import NOBODY, Store
from core.store.lending import lent
from core.store.people import Person
from core.store.studies import Study
from core.ui import sign_in

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]
_LINKS = (
    ("home", "app.py"),
    ("review", "pages/review.py"),
    ("work", "pages/work.py"),
    ("search", "pages/search.py"),
    ("adjudicate", "pages/adjudicate.py"),
    ("agreement", "pages/agreement.py"),
    ("checklists", "pages/checklists.py"),
    ("prompts", "pages/prompts.py"),
    ("leaderboard", "pages/leaderboard.py"),
    ("exams", "pages/exams.py"),
    ("assign", "pages/assign.py"),
    ("runs", "pages/runs.py"),
    ("data", "pages/data.py"),
    ("people", "pages/people.py"),
)
_STYLE = f"<style>{(_HERE / 'style.css').read_text(encoding='utf-8')}</style>"
_SCRIPT = f"<script>{(_HERE / 'keys.js').read_text(encoding='utf-8')}</script>"
_NOTICE = "notice"
_KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Page:
    """What a page draws with: an open database, who looks, at what, and in which language.

    Attributes:
        kept: what pages remember in this session besides widgets; callbacks may write into it,
            where writing into `st.session_state` would let the next press break them off.
    """

    name: str
    store: Store
    person: Person
    study: Study
    language: Language
    rights: frozenset[str]
    kept: dict[str, Any]

    def t(self, key: str, /, **values: object) -> str:
        """A text in the reader's language."""
        return sentence(self.language, key, **values)

    def named(self, group: str, code: str | None) -> str:
        """The words of a code such as a category's, or the code itself where there are none."""
        key = f"{group}.{code}"
        return self.t(key) if has_key(key) else code or ""

    def joined(self, *sentences: str) -> str:
        """Sentences one after another; Chinese ones need no space between them."""
        return ("" if self.language == "zh" else " ").join(sentences)

    def written(self, reason: str) -> str:
        """A stored reason: in the reader's language where the program wrote it."""
        return written_reason(self.language, reason)

    def key(self, subject: object, field: str) -> str:
        """A widget key that no other page, person or subject shares."""
        return f"{self.name}-{self.person.id}-{subject}-{field}"

    def field(self, form: str, name: str) -> str:
        """The key of a form's field, which is another one after `empty`."""
        return self.key(f"{form}-{self.kept.get(f'form-{form}', 0)}", name)

    def empty(self, form: str) -> None:
        """Empty a form's fields; in a callback too, which the next press can't break off here."""
        self.kept[f"form-{form}"] = self.kept.get(f"form-{form}", 0) + 1

    @contextmanager
    def reopened(self) -> Iterator[Store]:
        """The database for a fragment, which outlives the page's own connection.

        The whole page is drawn anew where language or study were changed: a browser that sends
        that together with something of the fragment asks for the fragment alone.
        """
        if self.kept.get("language", self.language) != self.language or (
            int(self.kept.get("study", self.study.id)) != self.study.id
        ):
            st.rerun(scope="app")
        with lent(self.store.path, actor=self.person.id) as store:
            try:
                sign_in.check_still(store, self.person, is_active=False)
            except NotAllowed:
                st.rerun(scope="app")
            yield store

    def act(self, action: Callable[..., Any], *args: Any) -> Callable[[], None]:
        """A callback that runs `action(store, *args)`; an error becomes a sentence on the page."""
        path, language, person, kept = self.store.path, self.language, self.person, self.kept

        def callback() -> None:
            try:
                with lent(path, actor=person.id) as store:
                    sign_in.check_still(store, person, is_active=True)
                    action(store, *args)
            except AttendingError as error:
                kept[_NOTICE] = error_sentence(language, error)

        return callback


def entered() -> dict[str, Any]:
    """What the widgets of this session hold, for callbacks.

    A callback that asks `st.session_state` itself is broken off where the next press waits already,
    and what it was about to store would be lost; this reads without giving way.
    """
    return st.session_state.to_dict()


def database_path() -> Path:
    """The database this app works on."""
    named = os.environ.get("ATTENDING_DB")
    return Path(named) if named else _ROOT / "data" / "workbench.db"


@contextmanager
def page(name: str) -> Iterator[Page]:
    """Open a page; the block draws it."""
    kept = _kept()
    language = _language(None)
    path = database_path()
    try:
        _make_ready(path)
        with lent(path, actor=NOBODY) as store:
            person = sign_in.signed_in(store)
            language = _language((store, person) if person else None)
        with lent(path, actor=person.id if person else NOBODY) as store:
            _draw_frame(language, name)
            study = _study(store, person)
            _draw_sidebar(store, language, person, study)
            if person is not None and study is not None:
                _draw_head(language, name, study)
            body = st.container()
            _draw_foot(language)  # now: a page that stops early draws nothing after itself
            with body, told_in_one_sentence(language):
                if person is None:
                    sign_in.draw(store, language)
                    st.stop()
                _check_page(store, language, name)
                if study is None:
                    st.info(sentence(language, "shell.no_study"))
                    st.stop()
                yield Page(name, store, person, study, language, rights_of_actor(store), kept)
        _spare_the_collector(name)
    except DatabaseRefused as error:
        st.error(error_sentence(language, error))
        st.stop()


def _check_page(store: Store, language: Language, name: str) -> None:
    """End the page with a sentence where it is not for this person."""
    try:
        require_page(store, name)
    except NotAllowed as error:
        st.error(error_sentence(language, error))
        st.stop()


def _kept() -> dict[str, Any]:
    found: dict[str, Any] = st.session_state.setdefault(_KEPT, {})
    return found


@contextmanager
def told_in_one_sentence(language: Language) -> Iterator[None]:
    """Turn an error of ours into a sentence on the page."""
    try:
        yield
    except AttendingError as error:
        draw_error(language, error)


def draw_error(language: Language, error: AttendingError) -> None:
    """Say what went wrong; the records that it names stand below, as they are written."""
    said, *records = error_sentence(language, error).split("\n")
    st.error(said)
    if records:
        st.html("<ul>" + "".join(f"<li>{html.escape(one)}</li>" for one in records) + "</ul>")


@st.cache_resource(max_entries=8, show_spinner=False)
def _make_ready(path: Path) -> Store:
    """Prepare a database once in this process; a new one gets the sample study, judged.

    The connection that is kept does nothing: whenever the last one closes, SQLite moves the whole
    write-ahead log into the database, and every press would wait for that.
    """
    ensure_workbench(path)
    job_id = ensure_sample(path)
    if job_id is not None:
        ensure_worker(path)
        wait_for_job(path, job_id, seconds=20)
    return Store(path, actor=NOBODY)


@st.cache_resource(show_spinner=False)
def _spare_the_collector(name: str) -> None:
    """Once a page has been drawn, take what it imported for no garbage.

    Else a full collection looks through all of it, for a third of a second in which nobody's press
    is answered.
    """
    gc.freeze()


def _language(known: tuple[Store, Person] | None) -> Language:
    """The language chosen in this session, else the person's, else the browser's."""
    chosen = _kept().get("language")
    if chosen is None and known is not None:
        chosen = people.preference(known[0], known[1].id, "language")
    if chosen is None:
        chosen = "zh" if (st.context.locale or "").lower().startswith("zh") else "en"
    return "zh" if chosen == "zh" else "en"


def _study(store: Store, person: Person | None) -> Study | None:
    """The study chosen in this session, else the person's last one, else the newest."""
    known = {study.id: study for study in studies.studies(store)}
    chosen = _kept().get("study")
    if chosen is None and person is not None:
        chosen = people.preference(store, person.id, "study")
    if chosen is not None and int(chosen) in known:
        return known[int(chosen)]
    return list(known.values())[-1] if known else None


def _draw_sidebar(
    store: Store, language: Language, person: Person | None, study: Study | None
) -> None:
    with st.sidebar:
        st.html(f'<b>Attending</b> <span class="quiet">{sentence(language, "shell.tag")}</span>')
        st.segmented_control(
            "Language / 语言", LANGUAGES, default=language, key="language-choice", required=True,
            format_func={"zh": "中文", "en": "English"}.__getitem__,
            label_visibility="collapsed", on_change=_choose_language,
            args=(store.path, person, _kept()),
        )  # fmt: skip
        names = {found.id: found.name for found in studies.studies(store)}
        if person is not None and study is not None and len(names) > 1:
            st.selectbox(
                sentence(language, "shell.study"), list(names), key="study-choice",
                index=list(names).index(study.id), format_func=names.__getitem__,
                on_change=_choose_study, args=(store.path, person, _kept()),
            )  # fmt: skip
        if person is None:
            return
        rights = rights_of_actor(store)
        for name, target in _LINKS:
            if rights & set(PAGES[name]):
                st.page_link(target, label=sentence(language, f"nav.{name}"))
        sign_in.draw_who(language, person)


def _choose_language(path: Path, person: Person | None, kept: dict[str, Any]) -> None:
    chosen = kept["language"] = entered()["language-choice"]
    if person is not None:
        with lent(path, actor=person.id) as store, store.writing():
            people.save_preference(store, person.id, "language", chosen)


def _choose_study(path: Path, person: Person, kept: dict[str, Any]) -> None:
    chosen = kept["study"] = entered()["study-choice"]
    with lent(path, actor=person.id) as store, store.writing():
        people.save_preference(store, person.id, "study", str(chosen))


def _draw_frame(language: Language, name: str) -> None:
    """Title, style and keys of every page."""
    title = sentence(language, f"nav.{name}")
    st.set_page_config(page_title=f"{title} · Attending", layout="wide")
    st.html(_STYLE)
    st.html(_SCRIPT, unsafe_allow_javascript=True)


def _draw_head(language: Language, name: str, study: Study) -> None:
    title, question = sentence(language, f"nav.{name}"), sentence(language, f"ask.{name}")
    st.html(f'<h1>{title} <span class="quiet">{question} · {html.escape(study.name)}</span></h1>')
    if study.is_illustrative:
        room = "<style>html:root { --banner: 2.7rem; }</style>"  # which boxes below leave for it
        st.html(f'<div class="banner">{sentence(language, "shell.illustrative")}{room}</div>')
    draw_notice(_kept(), name)


def draw_notice(kept: dict[str, Any], where: str) -> None:
    """Say what was wrong with the last press; a part that redraws itself says it there.

    Where people read while they press, it lies over the head of the page (`style.css`).
    """
    with st.container(key=f"notice-{where}"):
        place = st.empty()  # always there: what follows keeps its place, and with it what is open
        if _NOTICE in kept:
            place.warning(kept.pop(_NOTICE))


def _draw_foot(language: Language) -> None:
    st.html(f'<div class="footer">{sentence(language, "shell.research_only")}</div>')

"""Cases of figures, kept between redraws until a study fact is added."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import streamlit as st

from core.services import ranking
from core.services.agreeing import Case
from core.services.arraying import Columns, columns_of
from core.services.choosing import Choice
from core.services.empanelling import Panel, panels_of_study
from core.services.ranking import Board
from core.services.rating import Order
from core.services.renewing import KnownVerdicts, renewed_cases, renewed_verdicts
from core.services.tallying import Verdicts
from core.store import questions
from core.store.database import opened
from core.store.questions import Question
from core.store.readings import stamp, versions
from core.store.studies import Study
from core.ui.address import day, one_of, several
from core.ui.shell import Page

Made = TypeVar("Made")


def cases_of_chosen(p: Page, panel: Panel) -> list[Case]:
    """All cases of a judge or jury, under the version of the criteria that the address names."""
    return _cases(
        p.store.path, p.study.id, panel.name, stamp(p.store), chosen_version(), p.study, panel,
        p.person.id,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Keeping:
    """Figures of one choice, kept between redraws until a study fact is added."""

    path: Path
    study: int
    judge: str
    facts: tuple[int, ...]
    version: int | None
    choice: Choice

    def __call__(self, what: str, make: Callable[[], Made]) -> Made:
        """What `make` makes, made once; `what` names it."""
        found: Made = _kept(
            self.path, self.study, self.judge, self.facts, self.version, self.choice, what, make
        )
        return found


def keeping(p: Page, panel: Panel, choice: Choice) -> Keeping:
    """Where figures of a choice are kept."""
    return Keeping(p.store.path, p.study.id, panel.name, stamp(p.store), chosen_version(), choice)


@st.cache_resource(max_entries=96, show_spinner=False)
def _kept(
    path: Path, study: int, judge: str, facts: tuple[int, ...], version: int | None,
    choice: Choice, what: str, _make: Callable[[], Any],
) -> Any:  # fmt: skip
    return _make()


def verdicts_of_chosen(p: Page, panel: Panel) -> Verdicts:
    """What a judge or jury says of every response."""
    return _verdicts(
        p.store.path, p.study.id, panel.name, stamp(p.store), p.study, panel, p.person.id
    )


def board_of_chosen(p: Page, panel: Panel, order: Order) -> Board:
    """The leaderboard as asked for."""
    return _board(p.store.path, p.study.id, panel.name, stamp(p.store), order, p, panel)


@st.cache_resource(max_entries=4, show_spinner=False)
def _verdicts(
    path: Path, study: int, name: str, facts: tuple[int, ...], _study: Study, _panel: Panel,
    actor: int,
) -> Verdicts:  # fmt: skip
    shelf = _shelf(path, study, name, "verdicts")
    with opened(path, actor=actor) as store:
        shelf["last"] = renewed_verdicts(store, _study, _panel, shelf.get("last"))
    return cast(KnownVerdicts, shelf["last"]).verdicts


@st.cache_resource(max_entries=16, show_spinner=False)
def _shelf(path: Path, study: int, name: str, what: str) -> dict[str, Any]:
    """What was read last of a judge or jury, at whatever state of the facts."""
    return {}


@st.cache_resource(max_entries=24, show_spinner=False)
def _board(
    path: Path, study: int, name: str, facts: tuple[int, ...], order: Order, _p: Page,
    _panel: Panel,
) -> Board:  # fmt: skip
    cases = calibrating_cases(_p, _panel)
    return ranking.board(_p.store, _p.study, order, verdicts_of_chosen(_p, _panel), *cases)


def calibrating_cases(p: Page, panel: Panel) -> tuple[list[Case], list[Case]]:
    """All cases under what is in use, and those whose scores may correct the judge."""
    return _calibrating(p.store.path, p.study.id, panel.name, stamp(p.store), p, panel)


@st.cache_resource(max_entries=4, show_spinner=False)
def _calibrating(
    path: Path, study: int, name: str, facts: tuple[int, ...], _p: Page, _panel: Panel
) -> tuple[list[Case], list[Case]]:
    return ranking.calibrating(_p.store, _p.study, _panel, active_cases(_p, _panel))


def columns_of_chosen(p: Page, panel: Panel, every: list[Case]) -> Columns:
    """As `cases_of_chosen`, as columns."""
    return _columns(p.store.path, p.study.id, panel.name, stamp(p.store), chosen_version(), every)


@st.cache_resource(max_entries=8, show_spinner=False)
def _columns(
    path: Path, study: int, name: str, facts: tuple[int, ...], version: int | None,
    _every: list[Case],
) -> Columns:  # fmt: skip
    return columns_of(_every)


def active_cases(p: Page, panel: Panel) -> list[Case]:
    """All cases of a judge or jury, under what is in use."""
    return _cases(
        p.store.path, p.study.id, panel.name, stamp(p.store), None, p.study, panel, p.person.id
    )


def known_questions(p: Page) -> dict[str, Question]:
    """The study's open questions by their keys, in the order of their files."""
    return _questions(p.store.path, p.study.id, stamp(p.store), p.person.id)


@st.cache_resource(max_entries=4, show_spinner=False)
def _questions(path: Path, study: int, facts: tuple[int, ...], actor: int) -> dict[str, Question]:
    with opened(path, actor=actor) as store:
        return {one.key: one for one in questions.questions_of_study(store, study)}


def chosen_version() -> int | None:
    """The version of the criteria that is asked for; None for the active ones."""
    asked = st.query_params.get("version", "")
    return int(asked) if asked.isdecimal() else None


def cases_of_panels(p: Page) -> list[tuple[Panel, list[Case]]]:
    """All cases of every judge and jury of the study."""
    return [(panel, cases_of_chosen(p, panel)) for panel in panels_of_study(p.store, p.study)]


@st.cache_resource(max_entries=8, show_spinner=False)
def _cases(
    path: Path, study: int, name: str, facts: tuple[int, ...], version: int | None,
    _study: Study, _panel: Panel, actor: int,
) -> list[Case]:  # fmt: skip
    """A pure function of its arguments: facts are only ever added, and `facts` counts them."""
    shelf = _shelf(path, study, name, f"cases {version}")
    with opened(path, actor=actor) as store:
        found = renewed_cases(store, _study, _panel, shelf.get("last"), version=version)
    shelf["last"] = found
    gc.freeze()  # a hundred thousand objects that are no garbage: looking through them is felt
    return found.cases


def chosen_cases(p: Page, every: Columns) -> Choice:
    """What the reader narrows the figures to."""
    first, second, third, more = st.columns([3, 3, 3, 1], vertical_alignment="bottom")
    with first:
        categories = several(
            p, "category", _of(every, "category"), label=p.t("words.category"),
            shown=lambda one: p.named("category", one),
        )  # fmt: skip
    with second:
        models = several(p, "model", _of(every, "model"), label=p.t("words.model"))
    with third:
        physicians = several(
            p, "physician", sorted(every.people.values()), label=p.t("words.physicians")
        )
    with more, st.popover(p.t("choice.more"), width="stretch"):
        difficulties = several(
            p, "difficulty", _of(every, "difficulty"), label=p.t("words.difficulty"),
            shown=lambda one: p.t(f"difficulty.{one}"),
        )  # fmt: skip
        kinds = several(p, "kind", _of(every, "category2"), label=p.t("words.category2"))
        scenes = several(p, "scene", _of(every, "scene"), label=p.t("words.scene"))
        since = day(p, "since", label=p.t("choice.since"))
        until = day(p, "until", label=p.t("choice.until"))
        _choose_version(p)
        excluded = one_of(
            p, "excluded", ["without", "with"], label=p.t("leaderboard.excluded"),
            shown=lambda name: p.t(f"leaderboard.{name}_excluded"),
        )  # fmt: skip
    return Choice(
        categories, models, kinds, scenes, difficulties, physicians, since, until,
        with_excluded=excluded == "with",
    )  # fmt: skip


def _choose_version(p: Page) -> None:
    st.html(f'<div class="quiet">{p.t("choice.version")}</div>')
    known = [str(version) for version in versions(p.store, p.study.id)]
    one_of(
        p, "version", ["active", *known], label=p.t("choice.version"),
        shown=lambda one: p.t("choice.active") if one == "active" else one,
    )  # fmt: skip


def _of(every: Columns, field: str) -> list[str]:
    """Values of a field in the order of the cases."""
    return [name for name in every.facets[field].names if name]

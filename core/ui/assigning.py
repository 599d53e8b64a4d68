"""Draw samples for physicians, and see what was given of what was asked for."""

import html
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.domain.sampling import Stratum
from core.errors import Refused
from core.i18n import error_sentence
from core.services import assigning
from core.services.judging import judge_of_study
from core.store import draws, judges, people, questions, responses
from core.store.database import Store
from core.store.draws import Choice, Design, Draw
from core.store.people import Person
from core.store.studies import Study
from core.ui.figures import show_label
from core.ui.shell import Page, entered

_DIFFICULTIES = ("easy", "medium", "hard")
_PURPOSES = ("work", "calibration")
_UNITS = ("response", "question")
_ALLOCATIONS = ("proportional", "equal")


def draw_draws(p: Page) -> None:
    """Every draw with what was given of what is wanted, person by person; open ones can end."""
    found = draws.draws_of_study(p.store, p.study.id)
    if not found:
        st.info(p.t("assign.none"))
    names = {person.id: person.name for person in people.people(p.store)}
    for one in found:
        _draw_draw(p, one, names)


def _draw_draw(p: Page, one: Draw, names: dict[int, str]) -> None:
    what, place, stop = st.columns([4, 6, 3], vertical_alignment="center")
    purpose = p.t(f"assign.purpose_{one.purpose}")
    state = p.t("assign.open" if one.is_open else "assign.closed")
    what.html(f'{one.id} · {html.escape(purpose)} <span class="quiet">{html.escape(state)}</span>')
    given = draws.given_by(p.store, one.id)
    said = " · ".join(f"{names[who]} {count}" for who, count in given.items())
    place.progress(
        one.given / one.wanted if one.wanted else 0.0,
        text=p.t(
            "assign.place", given=one.given, wanted=one.wanted, responses=one.responses, people=said
        ),
    )
    if one.is_open:
        with stop.popover(p.t("assign.end"), width="stretch"):
            _draw_end(p, one)
    else:
        stop.html(f'<div class="clinical quiet">{html.escape(one.note)}</div>')


def _draw_end(p: Page, one: Draw) -> None:
    """Ask more people for an open draw, or end it; after a calibration with what was agreed."""
    note, manual, more = (p.key(one.id, name) for name in ("note", "manual", "more"))
    st.text_area(p.t("assign.note"), key=note)
    if one.purpose == "calibration":
        st.checkbox(p.t("assign.into_manual"), value=True, key=manual)
    st.button(
        p.t("assign.end_now"), key=p.key(one.id, "end"),
        on_click=p.act(_end, p, one.id, note, manual),
    )  # fmt: skip
    asked = set(draws.people_of(p.store, one.id))
    others = {who.id: who.name for who in people.people(p.store) if who.id not in asked}
    if others:
        st.multiselect(
            p.t("assign.more_people"), list(others), key=more, format_func=others.__getitem__,
            placeholder="",
        )  # fmt: skip
        st.button(
            p.t("assign.ask_more"), key=p.key(one.id, "ask"), on_click=p.act(_ask, p, one.id, more)
        )


def draw_fields_of_work(p: Page) -> None:
    """Ask a physician for some categories only."""
    known = {person.id: person for person in people.people(p.store)}
    fields = {one: draws.field_of(p.store, one) for one in known}
    with st.expander(p.t("assign.fields")):
        for one, categories in fields.items():
            if categories:
                words = p.t("right.and").join(p.named("category", name) for name in categories)
                show_label(f"{known[one].name}: {words}")
        who, what, save = st.columns([3, 5, 2], vertical_alignment="bottom")
        chosen = who.selectbox(
            p.t("assign.person"), list(known), key=p.key("field", "who"),
            format_func=lambda one: known[one].name,
        )  # fmt: skip
        if chosen is None:
            return
        key = p.key(chosen, "field")
        what.multiselect(
            p.t("assign.field_categories"), _categories(p), default=_kept_field(p, fields[chosen]),
            key=key, format_func=lambda one: p.named("category", one),
            placeholder=p.t("assign.all"),
        )  # fmt: skip
        save.button(
            p.t("assign.field_save"), key=p.key("field", "save"), width="stretch",
            on_click=p.act(_restrict, p, known[chosen], key),
        )  # fmt: skip


def _kept_field(p: Page, field: Sequence[str]) -> list[str]:
    return [name for name in _categories(p) if name in field]


def _categories(p: Page) -> list[str]:
    of_study = questions.questions_of_study(p.store, p.study.id)
    return list(dict.fromkeys(one.category for one in of_study))


def draw_new_draw(p: Page) -> None:
    """Design a draw, see what it would take, and ask for it."""
    with st.expander(p.t("assign.new"), expanded=not draws.is_drawn(p.store, p.study.id)):
        given = _draw_fields(p)
        try:
            design = _design(p.store, p.study, given)
            preview = assigning.preview(p.store, p.study, design)
        except Refused as error:
            st.warning(error_sentence(p.language, error))
            return
        st.html(
            "<p>"
            + html.escape(
                p.t(
                    "assign.would_draw", responses=len(preview.sample),
                    available=preview.available, scores=preview.scores,
                )
            )
            + "</p>"
        )  # fmt: skip
        _draw_strata(p, design, preview)
        reason, button = st.columns([5, 2], vertical_alignment="bottom")
        why = p.field("draw", "reason")
        reason.text_input(p.t("assign.reason"), key=why)
        button.button(
            p.t("assign.draw"), key=p.key("new", "draw"), type="primary", width="stretch",
            on_click=p.act(_draw, p, design, tuple(given["people"]), why),
        )  # fmt: skip


def _draw_fields(p: Page) -> dict[str, Any]:
    """The fields of a new draw; what they hold, by name."""
    extent = _draw_extent(p)
    known = {person.id: person.name for person in people.people(p.store)}
    asked = st.multiselect(
        p.t("assign.people"), list(known), key=p.key("new", "people"),
        format_func=known.__getitem__, placeholder="",
    )  # fmt: skip
    if extent["purpose"] == "calibration":
        extent["overlap"] = len(asked) or 1  # everybody scores everything
    balance = _draw_balance(p, extent["unit"])
    return {**extent, **balance, **_draw_choice(p), "people": asked}


def _draw_extent(p: Page) -> dict[str, Any]:
    """What is drawn, how much of it, and how often each is scored."""
    columns = st.columns([3, 4, 2.5, 2.5, 2.5])
    purpose = columns[0].segmented_control(
        p.t("assign.purpose"), _PURPOSES, default="work", required=True,
        key=p.key("new", "purpose"), format_func=lambda one: p.t(f"assign.purpose_{one}"),
    )  # fmt: skip
    unit = columns[1].segmented_control(
        p.t("assign.unit"), _UNITS, default="response", required=True,
        key=p.key("new", "unit"), format_func=lambda one: p.t(f"assign.unit_{one}"),
    )  # fmt: skip
    size = columns[2].number_input(p.t("assign.size"), 1, 100_000, 60, key=p.key("new", "size"))
    overlap = columns[3].number_input(
        p.t("assign.overlap"), 1, 20, 2, key=p.key("new", "overlap"),
        disabled=purpose == "calibration",
    )  # fmt: skip
    repeat = columns[4].number_input(
        p.t("assign.repeat"), 0, 50, 5, key=p.key("new", "repeat"), help=p.t("assign.repeat_help")
    )
    return {
        "purpose": purpose, "unit": unit, "size": int(size), "overlap": int(overlap),
        "repeat": repeat / 100,
    }  # fmt: skip


def _draw_balance(p: Page, unit: str) -> dict[str, Any]:
    """What the sample is to be balanced over."""
    columns = st.columns(3)
    known = assigning.STRATA if unit == "response" else ("category", "difficulty")
    strata = columns[0].multiselect(
        p.t("assign.strata"), known, key=p.key(unit, "strata"),
        default=[one for one in ("category", "model") if one in known],
        format_func=lambda one: p.t(f"assign.stratum_{one}"), placeholder="",
    )  # fmt: skip
    allocation = columns[1].segmented_control(
        p.t("assign.allocation"), _ALLOCATIONS, default="proportional", required=True,
        key=p.key("new", "allocation"), format_func=lambda one: p.t(f"assign.allocation_{one}"),
    )  # fmt: skip
    names = [judge.name for judge, _ in judges.judges_of_study(p.store, p.study.id)]
    judge = columns[2].selectbox(
        p.t("assign.judge"), names, key=p.key("new", "judge"), disabled="judge" not in strata,
    )  # fmt: skip
    return {"strata": tuple(strata), "allocation": allocation, "judge": judge}


def _draw_choice(p: Page) -> dict[str, Any]:
    """What is drawn from, and the seed."""
    columns = st.columns([3, 3, 3, 1])
    models = [label for _, label in responses.models_of_study(p.store, p.study.id)]
    seed = columns[3].number_input(p.t("assign.seed"), 0, 2**31, 0, key=p.key("new", "seed"))
    return {
        "seed": int(seed),
        "categories": columns[0].multiselect(
            p.t("assign.categories"), _categories(p), key=p.key("new", "categories"),
            format_func=lambda one: p.named("category", one), placeholder=p.t("assign.all"),
        ),
        "models": columns[1].multiselect(
            p.t("assign.models"), models, key=p.key("new", "models"), placeholder=p.t("assign.all")
        ),
        "difficulties": columns[2].multiselect(
            p.t("assign.difficulties"), _DIFFICULTIES, key=p.key("new", "difficulties"),
            format_func=lambda one: p.t(f"assign.difficulty_{one}"), placeholder=p.t("assign.all"),
        ),
    }  # fmt: skip


def _design(store: Store, study: Study, given: dict[str, Any]) -> Design:
    judge_id = None
    if "judge" in given["strata"] and given["judge"]:
        judge_id = judge_of_study(store, study, given["judge"])[0].id
    choice = Choice(
        tuple(given["models"]), tuple(given["categories"]), tuple(given["difficulties"])
    )
    return Design(
        given["size"], given["purpose"], given["unit"], given["strata"], given["allocation"],
        choice, judge_id, given["overlap"], given["repeat"], given["seed"],
    )  # fmt: skip


def _draw_strata(p: Page, design: Design, preview: assigning.Preview) -> None:
    """How many of each stratum would be drawn, and with which probability."""
    counts: dict[Stratum, tuple[int, float]] = {}
    for one in preview.sample:
        count, _ = counts.get(one.stratum, (0, 0.0))
        counts[one.stratum] = (count + 1, one.probability)
    if not design.strata:
        return
    rows = [
        {
            **{
                p.t(f"assign.stratum_{name}"): _stratum_word(p, name, value)
                for name, value in zip(design.strata, stratum, strict=True)
            },
            p.t("assign.drawn_n"): count,
            p.t("assign.probability"): f"{probability:.3f}",
        }
        for stratum, (count, probability) in counts.items()
    ]
    st.dataframe(rows, hide_index=True, height=min(38 + 35 * len(rows), 215))


def _stratum_word(p: Page, name: str, value: str) -> str:
    if name == "category":
        return p.named("category", value)
    if name in ("difficulty", "judge"):
        return p.t(f"assign.{name}_{value or 'none'}")
    return value


def draw_plan(p: Page) -> None:
    """How many double-scored responses tell κ how closely."""
    with st.expander(p.t("assign.plan_title")):
        columns = st.columns(4)
        kappa = columns[0].number_input(
            p.t("assign.plan_kappa"), -0.9, 0.95, 0.6, 0.05, key=p.key("plan", "kappa")
        )
        usable = columns[1].number_input(
            p.t("assign.plan_usable"), 0.05, 0.95, 0.6, 0.05, key=p.key("plan", "usable")
        )
        half = columns[2].number_input(
            p.t("assign.plan_half"), 0.02, 0.5, 0.1, 0.01, key=p.key("plan", "half")
        )
        effect = columns[3].number_input(
            p.t("assign.plan_effect"), 1.0, 10.0, 1.0, 0.1, key=p.key("plan", "effect"),
            help=p.t("assign.plan_effect_help"),
        )  # fmt: skip
        n = assigning.scores_for_kappa(kappa, usable, half, design_effect=effect)
        show_label(
            p.t("assign.plan", n=n, kappa=f"{kappa:.2f}", usable=f"{usable:.2f}",
                half_width=f"{half:.2f}")
        )  # fmt: skip


def _draw(store: Store, p: Page, design: Design, asked: tuple[int, ...], why: str) -> None:
    persons = [one for one in people.people(store) if one.id in asked]
    reason = str(entered().get(why) or "")
    assigning.draw(store, p.study, design, persons, reason=reason, by=p.person.name)
    p.empty("draw")


def _end(store: Store, p: Page, draw_id: int, note_key: str, manual_key: str) -> None:
    typed = entered()
    into_manual = p.language if typed.get(manual_key) else None
    assigning.end(
        store, p.study, draw_id, note=str(typed.get(note_key) or ""), by=p.person.name,
        into_manual=into_manual,
    )  # fmt: skip


def _ask(store: Store, p: Page, draw_id: int, more: str) -> None:
    chosen = set(entered().get(more) or ())
    persons = [one for one in people.people(store) if one.id in chosen]
    assigning.ask_people(store, p.study, draw_id, persons, by=p.person.name)


def _restrict(store: Store, p: Page, person: Person, key: str) -> None:
    assigning.restrict(store, person, entered().get(key) or (), by=p.person.name)

"""Order a judge or a model's answers, with what they would cost, and watch GPUs."""

import html
from typing import Any

import streamlit as st

from core.engines.catalogue import ENGINES
from core.engines.gpus import gpus
from core.services.estimating import estimate_generation, estimate_judging
from core.services.ordering import JudgeOrder, queue_judging
from core.services.ordering_generation import GenerateOrder, queue_generation
from core.services.queueing import ensure_worker
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study
from core.ui.estimates import draw_estimate
from core.ui.order_settings import GENERATE, JUDGE, draw_settings, given
from core.ui.shell import Page, entered

_GIGABYTE = 1024**3


def draw_judge_order(p: Page) -> None:
    """Choose a judging engine and queue what is outstanding."""
    names = ("engine", "model", "address", "rounds", "budget", "batch", "retry")
    keys = {name: p.key("judge", name) for name in (*names, *(one.name for one in JUDGE))}
    with st.expander(p.t("runs.judge")):
        first, second, third, fourth, fifth = st.columns([3, 3, 4, 2, 2])
        engine = first.selectbox(
            p.t("runs.engine"), list(ENGINES), key=keys["engine"],
            format_func=lambda name: p.t(f"engine.{name}"),
        )  # fmt: skip
        second.text_input(
            p.t("words.model"), key=keys["model"], disabled=not ENGINES[engine].generates
        )
        third.text_input(
            p.t("runs.address"), key=keys["address"], placeholder="http://127.0.0.1:8000/v1",
            disabled=not ENGINES[engine].needs_address,
        )  # fmt: skip
        fourth.number_input(
            p.t("runs.rounds"), 1, 9, 3, key=keys["rounds"],
            disabled=not ENGINES[engine].reads_prompt,
        )  # fmt: skip
        fifth.number_input(
            p.t("runs.budget"), 0.0, None, 0.0, key=keys["budget"], format="%.2f",
            disabled=not ENGINES[engine].needs_address,
        )  # fmt: skip
        sixth, seventh = st.columns(2)
        sixth.checkbox(
            p.t("runs.batch"), key=keys["batch"], disabled=not ENGINES[engine].has_batches
        )
        seventh.checkbox(p.t("runs.retry"), key=keys["retry"])
        draw_settings(p, "judge", JUDGE, keys, ENGINES[engine])
        if _typed(keys["model"]) or not ENGINES[engine].generates:
            order = _judge_order(keys)
            draw_estimate(
                p, "verdicts", lambda: estimate_judging(p.store, p.study, order, by=p.person.name)
            )
        st.html(f'<div class="quiet">{p.t("runs.key_note")}</div>')
        st.button(
            p.t("runs.start_judge"), key=p.key("judge", "start"), type="primary",
            on_click=p.act(_order_judge, p.study, p.person, keys),
        )  # fmt: skip


def draw_generate_order(p: Page) -> None:
    """Choose a model and let it answer what it has not answered."""
    names = ("engine", "model", "address", "label", "samples", "temperature", "tokens", "budget")
    keys = {name: p.key("generate", name) for name in (*names, *(one.name for one in GENERATE))}
    chat = [name for name, entry in ENGINES.items() if entry.generates]
    with st.expander(p.t("runs.generate")):
        first, second, third = st.columns([2, 4, 4])
        engine = first.selectbox(
            p.t("runs.engine"), chat, key=keys["engine"],
            format_func=lambda name: p.t(f"engine.{name}"),
        )  # fmt: skip
        second.text_input(p.t("runs.source"), key=keys["model"])
        third.text_input(
            p.t("runs.address"), key=keys["address"], placeholder="http://127.0.0.1:8000/v1",
            disabled=not ENGINES[engine].needs_address,
        )  # fmt: skip
        fourth, fifth, sixth, seventh, eighth = st.columns([4, 2, 2, 2, 2])
        fourth.text_input(p.t("runs.label"), key=keys["label"])
        fifth.number_input(p.t("runs.samples"), 1, 9, 1, key=keys["samples"])
        sixth.number_input(p.t("runs.temperature"), 0.0, 2.0, 0.0, 0.1, key=keys["temperature"])
        seventh.number_input(p.t("runs.tokens"), 1, 65_536, 1024, key=keys["tokens"])
        eighth.number_input(
            p.t("runs.budget"), 0.0, None, 0.0, key=keys["budget"], format="%.2f",
            disabled=not ENGINES[engine].needs_address,
        )  # fmt: skip
        draw_settings(p, "generate", GENERATE, keys, ENGINES[engine])
        if _typed(keys["model"]):
            order = _answers_order(keys)
            draw_estimate(
                p, "answers",
                lambda: estimate_generation(p.store, p.study, order, by=p.person.name),
            )  # fmt: skip
        st.button(
            p.t("runs.start_generate"), key=p.key("generate", "start"), type="primary",
            on_click=p.act(_order_answers, p.study, p.person, keys),
        )  # fmt: skip


@st.fragment(run_every=2.0)
def draw_gpus(p: Page) -> None:
    """One line a GPU, live."""
    found = gpus()
    if not found:
        st.html(f'<div class="quiet">{p.t("runs.no_gpu")}</div>')
    for gpu in found:
        used = (gpu.memory_total - gpu.memory_free) / _GIGABYTE
        line = p.t(
            "runs.gpu", index=gpu.index, name=gpu.name, used=used,
            total=gpu.memory_total / _GIGABYTE, load=gpu.load, temperature=gpu.temperature,
            power="–" if gpu.power is None else f"{gpu.power:.0f}",
        )  # fmt: skip
        st.html(f'<div class="quiet figure">{html.escape(line)}</div>')


def _typed(key: str) -> str:
    return str(entered().get(key) or "").strip()


def _addresses(key: str) -> tuple[str, ...]:
    """Addresses as typed, separated by blanks or commas."""
    return tuple(_typed(key).replace(",", " ").split())


def _budget(key: str) -> float | None:
    """What was typed as a budget; 0 is none."""
    return float(entered()[key]) or None


def _said(**parameters: Any) -> dict[str, Any]:
    """The parameters that somebody has given a value."""
    return {name: value for name, value in parameters.items() if value is not None}


def _judge_order(keys: dict[str, str]) -> JudgeOrder:
    state = entered()
    engine = state[keys["engine"]]
    entry = ENGINES[engine]
    more = given(JUDGE, keys, entry)
    return JudgeOrder(
        engine, _typed(keys["model"]),
        _said(temperature=more["temperature"], max_tokens=more["tokens"]), more["name"] or "",
        rounds=int(state[keys["rounds"]]) if entry.reads_prompt else None,
        addresses=_addresses(keys["address"]) if entry.needs_address else (),
        concurrency=more["concurrency"] or 16, limit=more["limit"],
        requests_per_minute=more["rpm"], tokens_per_minute=more["tpm"],
        budget=_budget(keys["budget"]) if entry.needs_address else None,
        gpus=more["gpus"] or "auto",
        retry_unscored=bool(state[keys["retry"]]),
        is_batch=entry.has_batches and bool(state[keys["batch"]]),
    )  # fmt: skip


def _answers_order(keys: dict[str, str]) -> GenerateOrder:
    state = entered()
    engine, source = state[keys["engine"]], _typed(keys["model"])
    more = given(GENERATE, keys, ENGINES[engine])
    parameters = _said(
        temperature=float(state[keys["temperature"]]), top_p=more["topp"],
        seed=more["seed"], max_tokens=int(state[keys["tokens"]]),
        system_prompt=more["system"], trust_remote_code=more["code"] or None,
    )  # fmt: skip
    return GenerateOrder(
        engine, source, _typed(keys["label"]) or source.rstrip("/").rsplit("/", 1)[-1],
        parameters, int(state[keys["samples"]]),
        _addresses(keys["address"]) if ENGINES[engine].needs_address else (),
        more["concurrency"], more["gpus"] or "auto", more["limit"], more["rpm"], more["tpm"],
        budget=_budget(keys["budget"]) if ENGINES[engine].needs_address else None,
    )  # fmt: skip


def _order_judge(store: Store, study: Study, person: Person, keys: dict[str, str]) -> None:
    queue_judging(store, study, _judge_order(keys), by=person.name)
    ensure_worker(store.path)


def _order_answers(store: Store, study: Study, person: Person, keys: dict[str, str]) -> None:
    queue_generation(store, study, _answers_order(keys), by=person.name)
    ensure_worker(store.path)

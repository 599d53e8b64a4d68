"""Order a judge or a model's answers, and watch jobs and GPUs."""

import html

import streamlit as st

from core.engines.catalogue import ENGINES
from core.engines.gpus import gpus
from core.i18n import sentence
from core.services.generating import GenerateOrder, chosen_gpus, queue_generation
from core.services.judging import JudgeOrder, cancel, queue_judging
from core.services.queueing import ensure_worker
from core.services.watching import Watched, jobs_of_study
from core.store.database import Store
from core.store.people import Person
from core.store.studies import Study
from core.ui.shell import Page

_SHOWN = 20
_GIGABYTE = 1024**3


def draw_judge_order(p: Page) -> None:
    """Choose a judging engine and queue what is outstanding."""
    names = ("engine", "model", "address", "rounds")
    keys = {name: p.key("judge", name) for name in names}
    with st.expander(p.t("runs.judge")):
        first, second, third, fourth = st.columns([2, 3, 4, 2])
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
        fourth.number_input(p.t("runs.rounds"), 1, 9, 1, key=keys["rounds"])
        st.html(f'<div class="quiet">{p.t("runs.key_note")}</div>')
        st.button(
            p.t("runs.start_judge"), key=p.key("judge", "start"), type="primary",
            on_click=p.act(_order_judge, p.study, p.person, keys),
        )  # fmt: skip


def draw_generate_order(p: Page) -> None:
    """Choose a model and let it answer what it has not answered."""
    names = ("engine", "model", "address", "label", "samples", "temperature", "tokens")
    keys = {name: p.key("generate", name) for name in names}
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
        fourth, fifth, sixth, seventh = st.columns([4, 2, 2, 2])
        fourth.text_input(p.t("runs.label"), key=keys["label"])
        fifth.number_input(p.t("runs.samples"), 1, 9, 1, key=keys["samples"])
        sixth.number_input(p.t("runs.temperature"), 0.0, 2.0, 0.0, 0.1, key=keys["temperature"])
        seventh.number_input(p.t("runs.tokens"), 1, 65_536, 1024, key=keys["tokens"])
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


@st.fragment(run_every=1.0)
def draw_jobs(p: Page) -> None:
    """The newest jobs, live."""
    with p.reopened() as store:
        found = jobs_of_study(store, p.study, limit=_SHOWN)
    if not found:
        st.info(p.t("runs.none"))
    for one in found:
        _draw_job(p, one)


def _draw_job(p: Page, found: Watched) -> None:
    job = found.job
    what, place, stop = st.columns([3, 6, 2], vertical_alignment="center")
    subject = p.t("words.judge" if job.kind == "judge" else "runs.answers")
    what.html(f"#{job.id} {subject} {html.escape(found.name)} · {p.t(f'state.{job.state}')}")
    total = job.total or 0
    place.progress(
        min(1.0, job.done / total) if total else float(job.state == "done"),
        text=" · ".join(_pace(p, found)),
    )
    if job.state in ("queued", "running"):
        stop.button(
            p.t("runs.cancel"), key=p.key(job.id, "cancel"), disabled=job.is_cancel_asked,
            on_click=p.act(cancel, job.id),
        )  # fmt: skip
    if job.error:
        what_happened = sentence(p.language, f"error.{job.error}", **job.error_values)
        st.html(f'<div class="danger">{html.escape(what_happened)}</div>')


def _pace(p: Page, found: Watched) -> list[str]:
    """How far a job is, how fast it goes, and how long it still takes."""
    job = found.job
    key = "runs.place" if job.kind == "judge" else "runs.place_answers"
    said = [p.t(key, done=job.done, total=job.total or 0, unscored=job.unscored)]
    if found.per_second is not None:
        said.append(p.t("runs.per_second", n=found.per_second))
    if found.tokens_per_second:
        said.append(p.t("runs.tokens_per_second", n=found.tokens_per_second))
    if found.seconds_left is not None:
        said.append(p.t("runs.left", minutes=found.seconds_left / 60))
    return said


def _typed(key: str) -> str:
    return str(st.session_state.get(key) or "").strip()


def _addresses(key: str) -> tuple[str, ...]:
    """Addresses as typed, separated by blanks or commas."""
    return tuple(_typed(key).replace(",", " ").split())


def _order_judge(store: Store, study: Study, person: Person, keys: dict[str, str]) -> None:
    order = JudgeOrder(
        st.session_state[keys["engine"]], _typed(keys["model"]), {},
        rounds=int(st.session_state[keys["rounds"]]), addresses=_addresses(keys["address"]),
    )  # fmt: skip
    queue_judging(store, study, order, by=person.name)
    ensure_worker(store.path)


def _order_answers(store: Store, study: Study, person: Person, keys: dict[str, str]) -> None:
    source = _typed(keys["model"])
    temperature = float(st.session_state[keys["temperature"]])
    parameters = {"max_tokens": int(st.session_state[keys["tokens"]])}
    order = GenerateOrder(
        st.session_state[keys["engine"]], source,
        _typed(keys["label"]) or source.rstrip("/").rsplit("/", 1)[-1],
        parameters | ({"temperature": temperature} if temperature else {}),
        int(st.session_state[keys["samples"]]), _addresses(keys["address"]),
        gpus=chosen_gpus("auto"),
    )  # fmt: skip
    queue_generation(store, study, order, by=person.name)
    ensure_worker(store.path)

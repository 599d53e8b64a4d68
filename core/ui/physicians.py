"""What leads see of physicians' work: pace, drift, agreement with themselves, shift, audits."""

import streamlit as st

from core.domain.estimation import Estimate
from core.services import observing, revealing, vetting
from core.services.observing import Observed
from core.services.vetting import AuditShare
from core.ui.address import link_to
from core.ui.clinical import show_text
from core.ui.figures import Cell, percent, show_grid, show_label
from core.ui.shell import Page


def draw_observed(p: Page) -> None:
    """Seconds and drift of every physician, and whether they agree with themselves."""
    found = observing.observed(p.store, p.study)
    with st.expander(p.t("physicians.pace"), expanded=bool(found)):
        if not found:
            show_text(p.t("physicians.none"), kind="quiet")
            return
        show_grid(
            p, "pace",
            [p.t("words.physicians"), p.t("physicians.answers"), p.t("physicians.seconds"),
             p.t("physicians.seconds_drift"), p.t("agreement.drift_usable"),
             p.t("physicians.repeats"), p.t("physicians.same_side"), p.t("physicians.same_score")],
            [_row(p, one) for one in found],
        )  # fmt: skip
        every = observing.with_themselves(p.store, p.study)
        said = p.t(
            "physicians.themselves", n=every.side.n, side=percent(p, every.side),
            score=percent(p, every.score),
        )  # fmt: skip
        show_text(said if every.side.n else p.t("physicians.no_repeats"), kind="quiet")
        show_text(p.t("physicians.note"), kind="quiet")


def draw_shift(p: Page) -> None:
    """How often physicians change their mind once they know what the judge said."""
    shift = revealing.shift_of(p.store, p.study)
    with st.expander(p.t("physicians.shift")):
        if shift.changed.n == 0:
            show_text(p.t("physicians.no_shift"), kind="quiet")
            return
        show_text(
            p.t(
                "physicians.shifted", n=shift.changed.n, changed=percent(p, shift.changed),
                crossed=percent(p, shift.crossed), joined=shift.joined,
            )
        )  # fmt: skip


def draw_audits(p: Page) -> None:
    """The share of questions that physicians hold for right, and those that they don't."""
    whole, *categories = vetting.audit_shares(p.store, p.study)
    with st.expander(p.t("physicians.audits")):
        if whole.right.n == 0:
            show_text(p.t("physicians.no_audits"), kind="quiet")
            return
        show_grid(
            p, "audits",
            [p.t("words.category"), p.t("physicians.right"), p.t("physicians.audits_n"),
             p.t("physicians.questions_n"), p.t("words.physicians")],
            [_share(p, one) for one in (whole, *categories)],
        )  # fmt: skip
        for wrong in whole.wrong:
            show_label(f"{wrong.question} · {wrong.person} · {wrong.created_at[:10]}")
            show_text(wrong.comment, kind="quote")


def _row(p: Page, one: Observed) -> list[Cell]:
    link = link_to("agreement", view="cases", of="paired", physician=one.person)
    themselves = one.with_themselves
    return [
        Cell(one.person),
        Cell(str(one.answers), link),
        Cell(_seconds(one.seconds)),
        Cell(f"{_seconds(one.seconds_early)} → {_seconds(one.seconds_late)}"),
        Cell(f"{_share_word(one.usable_early)} → {_share_word(one.usable_late)}"),
        Cell(str(themselves.side.n)),
        Cell(percent(p, themselves.side) if themselves.side.n else "–"),
        Cell(percent(p, themselves.score) if themselves.score.n else "–"),
    ]


def _share(p: Page, one: AuditShare) -> list[Cell]:
    name = p.t("physicians.whole") if one.category is None else p.named("category", one.category)
    return [
        Cell(name), Cell(percent(p, one.right)), Cell(str(one.right.n)), Cell(str(one.questions)),
        Cell(str(one.physicians)),
    ]  # fmt: skip


def _seconds(found: float | None) -> str:
    return "–" if found is None else f"{found:.0f} s"


def _share_word(found: Estimate) -> str:
    return "–" if found.value is None else f"{100 * found.value:.0f}%"

"""Show what a run would take and cost, beside the button that starts it."""

import html
from collections.abc import Callable

import streamlit as st

from core.domain.pricing import TOKENS_PER_CJK, TOKENS_PER_OTHER
from core.errors import AttendingError
from core.i18n import error_sentence, estimated_cost_words, price_words
from core.services.budgeting import FIRST_REPLY
from core.services.estimating import Estimate
from core.ui.shell import Page


def draw_estimate(p: Page, kind: str, estimated: Callable[[], Estimate]) -> None:
    """How many verdicts or answers, tokens and money; or why the order would be refused."""
    try:
        found = estimated()
    except AttendingError as error:
        st.html(f'<div class="quiet">{html.escape(error_sentence(p.language, error))}</div>')
        return
    said = [p.t(f"money.{kind}", n=found.outstanding)]
    tokens = found.tokens
    if tokens.prompt:
        said.append(p.t("money.tokens", prompt=tokens.prompt, reply=tokens.reply))
    if found.outstanding:
        said.append(cost_of(p, found))
    st.html(f'<div class="figure"><b>{html.escape(" · ".join(said))}</b></div>')
    if tokens.prompt:
        st.html(f'<div class="quiet figure">{"<br>".join(map(html.escape, _how(p, found)))}</div>')


def cost_of(p: Page, found: Estimate) -> str:
    """What a run would cost, or why nobody knows."""
    return estimated_cost_words(p.language, found.cost, found.price, is_billed=found.is_billed)


def _how(p: Page, found: Estimate) -> list[str]:
    """By category what the numbers rest on, and at which price."""
    lines = [
        p.t(
            f"money.basis_{part.basis}", category=part.category, n=part.n,
            outstanding=part.outstanding, prompt=part.prompt_tokens, reply=part.reply_tokens,
        )
        for part in found.parts
    ]  # fmt: skip
    if found.price is not None:
        lines.append(price_words(p.language, found.price))
    if found.measured == found.outstanding:
        lines.append(p.t("money.how_measured"))
    else:
        lines.append(
            p.t("money.how", cjk=TOKENS_PER_CJK, other=TOKENS_PER_OTHER, reply=FIRST_REPLY)
        )
    return lines

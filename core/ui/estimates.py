"""Show what a run would take and cost, beside the button that starts it."""

import html
from collections.abc import Callable

import streamlit as st

from core.domain.pricing import TOKENS_PER_CJK, TOKENS_PER_OTHER, amount
from core.errors import AttendingError
from core.i18n import error_sentence, price_words
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
        said.append(_cost(p, found))
    st.html(f'<div class="figure"><b>{html.escape(" · ".join(said))}</b></div>')
    if tokens.prompt:
        st.html(f'<div class="quiet figure">{"<br>".join(map(html.escape, _how(p, found)))}</div>')


def _cost(p: Page, found: Estimate) -> str:
    if not found.is_billed:
        return p.t("money.not_billed")
    if found.price is None or found.cost is None:
        return p.t("money.unknown")
    return p.t("money.about", cost=f"{amount(found.cost)} {found.price.currency}")


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

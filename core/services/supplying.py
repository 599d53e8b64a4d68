"""Supplying: every kind of question that there is has a judge prompt from the start."""

from itertools import product
from pathlib import Path
from typing import get_args

from core.domain.prompts import missing_placeholders
from core.domain.questions import CATEGORIES, Language
from core.services.permitting import require
from core.store import judges, questions
from core.store.database import Store

_PROMPTS = Path(__file__).resolve().parents[2] / "data" / "prompts"
_SYSTEM = "attending"


def ensure_prompts(store: Store) -> None:
    """Store the shipped prompts wherever none can be judged by.

    The benchmark's categories have prompts of their own; a category that came with somebody's
    table begins with the general one. Where the newest prompt was written for an earlier version
    of this app and lacks what a verdict is read by, the shipped one becomes the newest; it serves
    a judge only when somebody activates it.
    """
    require(store, "lead")
    usable = {
        (prompt.category, prompt.language)
        for prompt in judges.prompts(store)
        if not missing_placeholders(prompt.text)
    }
    kinds = dict.fromkeys([*product(CATEGORIES, get_args(Language)), *questions.kinds(store)])
    lacking = [kind for kind in kinds if kind not in usable]
    if lacking:
        with store.writing():
            for category, language in lacking:
                _store_prompt(store, category, language)


def _store_prompt(store: Store, category: str, language: Language) -> None:
    is_own = category not in CATEGORIES
    name = "general" if is_own else category
    text = (_PROMPTS / language / f"{name}.txt").read_text(encoding="utf-8")
    assert not missing_placeholders(text)
    reason = "as installed: the general prompt" if is_own else "as installed"
    judges.ensure_prompt(store, category, language, text, reason=reason, by=_SYSTEM)

"""Sentences in both languages, by key; English defines the keys."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from core.domain.questions import Language
from core.errors import AttendingError

LANGUAGES: tuple[Language, ...] = ("zh", "en")
_FOLDER = Path(__file__).parent / "locales"


def sentence(language: Language, key: str, /, **values: object) -> str:
    """The text of a key with its placeholders filled.

    Raises:
        KeyError: no such key, or a placeholder without a value: a defect.
    """
    return catalogue(language)[key].format(**values)


def has_key(key: str) -> bool:
    """Tell whether the catalogue knows a key."""
    return key in catalogue("en")


def error_sentence(language: Language, error: AttendingError) -> str:
    """What went wrong, where, and what to do, in one sentence."""
    values = dict(error.values)
    for name in ("expected", "field"):
        known = f"{name}.{values.get(name)}"
        if has_key(known):
            values[name] = sentence(language, known)
    if isinstance(rights := values.get("rights"), tuple):
        named = [sentence(language, f"right.{right}") for right in rights]
        values["rights"] = sentence(language, "right.or").join(named)
    return sentence(language, f"error.{error.code}", **values)


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """All texts of a language by dotted key, from every file of its folder."""
    found: dict[str, str] = {}
    for path in sorted((_FOLDER / language).glob("*.toml")):
        found |= _flat(tomllib.loads(path.read_text(encoding="utf-8")), prefix="")
    return found


def _flat(table: Mapping[str, Any], *, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        found |= _flat(value, prefix=f"{name}.") if isinstance(value, dict) else {name: value}
    return found

"""The corpus of attacks, for tests."""

import tomllib
from pathlib import Path

from core.domain.attacks import Attack, attacks_of

_FOLDER = Path(__file__).resolve().parents[1] / "data" / "attacks"

ATTACKS: tuple[Attack, ...] = tuple(
    attack
    for language in ("en", "zh")
    for attack in attacks_of(
        tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))["attack"],
        language,
    )
)

"""Attacks on a judge: texts that a response may carry to talk its judge into another score."""

import base64
import codecs
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from core.domain.questions import Language

#: What an attack tries.
KINDS = (
    "authority", "begging", "comment", "control", "direction", "encoding", "fake_fence",
    "fake_material", "fake_system", "fake_turn", "fake_verdict", "flood", "half_open",
    "homoglyph", "invisible", "leak", "many_shot", "notation", "quoting", "threat", "tool_call",
    "translation",
)  # fmt: skip

_REPEATED = re.compile(r"⟪(\d+)×(.*?)⟫", re.DOTALL)
_HOMOGLYPHS = str.maketrans("aceopxyijsABCEHIKMOPSTXY", "асеорхуіјѕАВСЕНІКМОРЅТХУ")
_FULL_WIDTH = str.maketrans({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
_TAGS = str.maketrans({code: code + 0xE0000 for code in range(0x20, 0x7F)})
_DISGUISES: dict[str, Callable[[str], str]] = {
    "": lambda text: text,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "fullwidth": lambda text: text.translate(_FULL_WIDTH),
    "hex": lambda text: text.encode().hex(" "),
    "homoglyphs": lambda text: text.translate(_HOMOGLYPHS),
    "reversed": lambda text: f"\N{RIGHT-TO-LEFT OVERRIDE}{text[::-1]}"
                             "\N{POP DIRECTIONAL FORMATTING}",
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "tags": lambda text: text.translate(_TAGS),
    "zero_width": "\N{ZERO WIDTH SPACE}".join,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack, as a response carries it."""

    id: str
    kind: str
    language: Language
    text: str


def attacks_of(rows: Iterable[Mapping[str, str]], language: Language) -> tuple[Attack, ...]:
    """Read a file's attacks: `⟪10000×[⟫` repeats, `disguise` says how a text is written."""
    return tuple(
        Attack(row["id"], row["kind"], language, _written(row["text"], row.get("disguise", "")))
        for row in rows
    )


def _written(text: str, disguise: str) -> str:
    whole = _REPEATED.sub(lambda found: found[2] * int(found[1]), text)
    return _DISGUISES[disguise](whole)

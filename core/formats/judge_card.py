"""A judge card: a judge with its prompts and criteria as one YAML file, with its hash."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from core.domain.criteria import Criteria
from core.errors import BrokenFile
from core.formats.base import text_of_file

_FORMAT = "attending judge card 1"
#: Where YAML would break a line, and with it a sentence.
_NO_LINE_IS_TOO_LONG = 1 << 30


@dataclass(frozen=True, slots=True)
class CardPrompt:
    """A prompt that serves a category and language."""

    category: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class JudgeCard:
    """What makes a judge: its model and parameters, its prompts, the criteria it was used with.

    Attributes:
        criteria: by the question's key.
    """

    name: str
    engine: str
    model: str
    parameters: dict[str, Any]
    scale: str
    rounds: int
    prompts: tuple[CardPrompt, ...]
    criteria: dict[str, Criteria]

    @property
    def content_hash(self) -> str:
        """SHA-256 over all of it but its name; equal exactly when it judges alike."""
        content = asdict(self)
        del content["name"]
        content["prompts"] = sorted(
            content["prompts"], key=lambda one: (one["category"], one["language"])
        )
        written = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


def write_card(card: JudgeCard, path: Path, *, record: dict[str, Any]) -> None:
    """Write a card with its hash and the record of how it agreed where it comes from."""
    content = {
        "format": _FORMAT,
        "sha256": card.content_hash,
        "judge": {
            "name": card.name, "engine": card.engine, "model": card.model,
            "parameters": card.parameters, "scale": card.scale, "rounds": card.rounds,
        },
        "agreement": record,
        "prompts": [asdict(one) for one in card.prompts],
        "criteria": {key: asdict(one) for key, one in card.criteria.items()},
    }  # fmt: skip
    text = yaml.dump(
        content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_NO_LINE_IS_TOO_LONG
    )
    path.write_text(text, encoding="utf-8")


def read_card(path: Path) -> tuple[JudgeCard, dict[str, Any]]:
    """A card and its record of agreement.

    Raises:
        BrokenFile: `no_file`, `too_large`, `empty_file`, `not_utf8`, `not_a_card`;
            `card_changed` where its content is not what its hash says.
    """
    try:
        found = yaml.safe_load(text_of_file(path))
        if found["format"] != _FORMAT:
            raise BrokenFile("not_a_card", file=str(path))
        card = JudgeCard(
            prompts=tuple(CardPrompt(**one) for one in found["prompts"]),
            criteria={key: Criteria(**one) for key, one in found["criteria"].items()},
            **found["judge"],
        )
        record, sha256 = dict(found["agreement"]), found["sha256"]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise BrokenFile("not_a_card", file=str(path)) from error
    if card.content_hash != sha256:
        raise BrokenFile("card_changed", file=str(path))
    return card, record


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)

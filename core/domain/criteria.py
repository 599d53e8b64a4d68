"""What a response is measured by: question text, reference answer and checklist, as one version."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["core", "secondary"]

_HEADING = re.compile(
    r"\s*(?:#+\s*|\*\*)?(?:[一二三四]\s*[、.．]\s*)?"
    r"(?P<name>核心需求|次要需求|core requirements?|secondary requirements?)"
    r"[\s*:：]*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\s*\d+\s*(?:\.{1,2}(?!\d)|[、．)）])\s*(?P<text>\S.*)")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_NONE = frozenset({"无", "none", "(none)", "（无）", "n/a"})


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of a checklist."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Criteria:
    """The three texts that stand in a judge's prompt; '' where there is none.

    Attributes:
        given_turns: what stands before the question in the conversation that a benchmark gives,
            as a JSON list of objects with `role` and `content`; '' where there is nothing.
    """

    question_text: str
    reference_answer: str
    checklist: str
    given_turns: str = ""

    @property
    def content_hash(self) -> str:
        """SHA-256 over the texts; equal exactly when all of them are equal."""
        texts = (self.question_text, self.reference_answer, self.checklist)
        return _hash(*texts, self.given_turns) if self.given_turns else _hash(*texts)

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The checklist's requirements; without a checklist, those of the reference answer."""
        return requirements_of(self.checklist) or requirements_of(self.reference_answer)


def requirements_of(text: str) -> tuple[Requirement, ...]:
    """Read the core and secondary requirements under their headings.

    A numbered line starts a requirement; a line that is neither numbered nor blank continues
    a numbered one, and starts one where its heading's list has no numbers (`- ` items continue
    the line above). Text before the first heading belongs to none, so a text without headings
    has no requirements. "无" under a heading means that there are none.
    """
    level: Level | None = None
    is_numbered = False
    found: list[Requirement] = []
    for line in text.splitlines():
        heading = heading_level(line)
        if heading:
            level = heading
            is_numbered = False
            continue
        if level is None or not line.strip() or line.strip().rstrip("。.").lower() in _NONE:
            continue
        numbered = _NUMBER.fullmatch(line)
        continues = is_numbered or line.lstrip().startswith("-") or _is_quoted_article(line)
        if numbered:
            is_numbered = True
            found.append(Requirement(level, numbered["text"].rstrip()))
        elif continues and found and found[-1].level == level:
            found[-1] = Requirement(level, f"{found[-1].text}\n{line.rstrip()}")
        else:
            found.append(Requirement(level, line.strip()))
    return tuple(found)


def checklist_of(*, core: Sequence[str], secondary: Sequence[str] = ()) -> str:
    """A checklist with these requirements, one a line, which `requirements_of` reads back."""
    chinese = _CHINESE.search(" ".join([*core, *secondary])) is not None
    names = (
        ("核心需求：", "次要需求：")
        if chinese
        else ("Core requirements:", "Secondary requirements:")
    )
    parts = []
    for name, requirements in zip(names, (core, secondary), strict=True):
        if requirements:
            lines = [
                f"{number}. {' '.join(text.split())}" for number, text in enumerate(requirements, 1)
            ]
            parts.append("\n".join([name, *lines]))
    return "\n\n".join(parts)


def heading_level(line: str) -> Level | None:
    """The level of the requirements under a line; None where it is no heading."""
    heading = _HEADING.fullmatch(line)
    if heading is None:
        return None
    return "core" if _is_core(heading["name"]) else "secondary"


def requirement_hash(text: str) -> str:
    """Identity of a requirement's wording, whatever its level or place."""
    return _hash(text)


def _is_core(heading: str) -> bool:
    return heading.startswith("核心") or heading.lower().startswith("core")


def _is_quoted_article(line: str) -> bool:
    """A law's article quoted under a requirement, as in `第一千零三十二条：…`."""
    return re.match(r"\s*第[一二三四五六七八九十百千零\d]+条", line) is not None


def _hash(*texts: str) -> str:
    digest = hashlib.sha256()
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()

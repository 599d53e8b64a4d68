"""Clinic cases: a record in sections, and an answer whose three parts are scored apart.

A response to a case may plan examinations, name the diagnosis and propose the treatment. Each part
that the question asks for is scored from 1 to 5; the response counts as its weakest part, because a
right diagnosis does not make good a harmful treatment.
"""

import re
from collections.abc import Mapping
from typing import Literal

from core.domain.scales import ONE_TO_FIVE

CATEGORY = "CLINIC"
#: In the order in which they are scored; a part that is not asked for is left out.
PARTS = ("examination_plan", "diagnosis", "treatment")

Section = Literal["history", "examination", "findings", "other"]

_HEADINGS: dict[Section, str] = {
    "history": "主诉|现病史|既往史|个人史|家族史|婚育史|月经史|病史摘要|病史|过敏史|患者信息"
    "|基本信息|chief complaint|history of present illness|past medical history|history",
    "examination": "体格检查|查体|专科检查|体检|physical examination|examination|vital signs",
    "findings": "辅助检查|实验室检查|影像学检查|检验结果|检查结果|化验|investigations|laboratory"
    "|imaging|findings",
}
_HEADING = re.compile(
    r"^[ \t#*【\[（(]*(?:\d{1,2}[.、)）]|[一二三四五六七八九十][、.])?[ \t*【\[]*(?:"
    + "|".join(f"(?P<{kind}>{names})" for kind, names in _HEADINGS.items())
    + r")[ \t*】\]）)]*(?:[:：]|$)",
    re.IGNORECASE | re.MULTILINE,
)


def sections_of(record: str) -> list[tuple[Section, str]]:
    """The sections of a record, in order; joined they are the record to the character.

    A section begins with its heading; text before the first heading is `other`.
    """
    cuts = [(0, "other"), *((one.start(), str(one.lastgroup)) for one in _HEADING.finditer(record))]
    found: list[tuple[Section, str]] = []
    for at, (start, kind) in enumerate(cuts):
        end = cuts[at + 1][0] if at + 1 < len(cuts) else len(record)
        if start == end:
            continue
        if found and found[-1][0] == kind:
            found[-1] = (found[-1][0], found[-1][1] + record[start:end])
        else:
            found.append((kind, record[start:end]))  # type: ignore[arg-type]
    return found


def is_complete(parts: Mapping[str, int]) -> bool:
    """Whether at least one part has a score, each is on the scale, and there is nothing else."""
    is_known = bool(parts) and set(parts) <= set(PARTS)
    return is_known and all(ONE_TO_FIVE.holds(value) for value in parts.values())


def score_of(parts: Mapping[str, int]) -> int:
    """The score of a response, 1 to 5: that of its weakest part; there is at least one."""
    return min(parts.values())
